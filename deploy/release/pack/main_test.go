package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var content = []byte(strings.Repeat("binary ", 10_000))

// write makes a file that was written an hour ago.
func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	return file
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

func TestPack(t *testing.T) {
	for _, ext := range []string{".zip", ".gz"} {
		binary, dir := write(t, "function", content), t.TempDir()
		first := packed(t, binary, filepath.Join(dir, "a"+ext))
		if err := os.Chtimes(binary, time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if again := packed(t, binary, filepath.Join(dir, "b"+ext)); !bytes.Equal(first, again) {
			t.Errorf("%s: two of one binary differ", ext)
		}
		if got, err := formats[ext].unpack(first); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes come back, %v", ext, len(got), err)
		}
		if len(first) > len(content)/10 {
			t.Errorf("%s: %d bytes", ext, len(first))
		}
	}
}

func TestZipIsWhatLambdaRuns(t *testing.T) {
	data := packed(t, write(t, "function", content), filepath.Join(t.TempDir(), "a.zip"))
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(r.File) != 1 {
		t.Fatal(err, r)
	}
	if f := r.File[0]; f.Name != "bootstrap" || f.Mode() != 0o755 {
		t.Errorf("%s has mode %v", f.Name, f.Mode())
	}
}

func TestFileThatIsUpToDateStays(t *testing.T) {
	good, err := packGzip(content)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		there   []byte
		touched bool
	}{"the same": {good, false}, "another": {[]byte("cut"), true}} {
		file := write(t, "a.gz", c.there)
		before, _ := os.Stat(file)
		if got := packed(t, write(t, "binary", content), file); !bytes.Equal(got, good) {
			t.Errorf("%s: wrong content", name)
		}
		after, err := os.Stat(file)
		if err != nil || after.ModTime().Equal(before.ModTime()) == c.touched {
			t.Errorf("%s: written %v, want %v", name, !c.touched, c.touched)
		}
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	if err := run(filepath.Join(dir, "absent"), filepath.Join(dir, "a.zip")); err == nil {
		t.Error("it packed a file that isn't there")
	}
	if err := run(write(t, "binary", content), filepath.Join(dir, "a.rar")); err == nil {
		t.Error("it packed into a rar")
	}
}
