package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPack(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "function")
	content := strings.Repeat("binary ", 10_000)
	if err := os.WriteFile(binary, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	first := packed(t, binary, filepath.Join(dir, "a.zip"))
	if err := os.Chtimes(binary, time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if again := packed(t, binary, filepath.Join(dir, "b.zip")); !bytes.Equal(first, again) {
		t.Error("two zips of one binary differ")
	}
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil || len(r.File) != 1 {
		t.Fatal(err, r)
	}
	f := r.File[0]
	if f.Name != "bootstrap" || f.Mode() != 0o755 {
		t.Errorf("%s has mode %v", f.Name, f.Mode())
	}
	inside, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(inside); err != nil || string(got) != content {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func packed(t *testing.T, binary, into string) []byte {
	t.Helper()
	if err := run(binary, into); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(into)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPackNothing(t *testing.T) {
	dir := t.TempDir()
	if err := run(filepath.Join(dir, "absent"), filepath.Join(dir, "a.zip")); err == nil {
		t.Error("it packed a file that isn't there")
	}
}
