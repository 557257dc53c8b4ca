package main

import (
	"io"
	"testing"
	"time"
)

// A question that is given up when the run has ended must not bring the tree back.
func TestPictureStaysOver(t *testing.T) {
	p := &picture{out: io.Discard, tree: newTree(false, time.Now(), "deployed", nil)}
	p.begin()
	release := p.hold()
	p.end()
	release()
	if p.program != nil {
		t.Error("it draws again after its end")
		p.stop()
	}
}
