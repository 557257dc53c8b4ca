package manifest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/schema/internal/badcases"

	"github.com/pebble/spacel/schema/report"
)

func TestHostile(t *testing.T) {
	for _, c := range badcases.Hostile {
		t.Run(c.Name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile(c.Name, []byte(c.Content()), 0o600); err != nil {
				t.Fatal(err)
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			got := readAt(t, c.Name)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if !strings.Contains(got, c.Want) {
				t.Errorf("got:\n%.600s\nwant:\n%s", got, c.Want)
			}
			if len(got) > 10_000 {
				t.Errorf("a report of %d bytes", len(got))
			}
			if took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 300 {
				t.Errorf("allocated %d MiB", used)
			}
		})
	}
}

// A file past the limit is given up once the limit is read, however long it is.
func TestReadsNoMoreThanTheLimit(t *testing.T) {
	endless := &counter{}
	var r report.Report
	if got, err := readManifest("-", endless, &r); got != nil || err != nil {
		t.Error(got, err)
	}
	if endless.read > maxData+1 {
		t.Errorf("read %d bytes", endless.read)
	}
	if len(r.Problems()) != 1 || r.Problems()[0].String() != "-: larger than 1024 KiB, the limit for a manifest" {
		t.Error(r.Problems())
	}
}

// counter is an endless text.
type counter struct{ read int }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	c.read += len(p)
	return len(p), nil
}

func TestStdinFormats(t *testing.T) {
	for content, want := range map[string]string{
		" {\"name\": \"a\"}":                                 `-:1:11 name "a"`,
		"name: a # YAML\n":                                   `-:1:7 name "a"`,
		"// a comment\npackage x\nname: \"a\"\n":             `-:3:7 name "a"`,
		"import \"strings\"\nname: strings.ToLower(\"A\")\n": `-:2:7 name "a"`,
		"package: a\n":                                       `-:1:10 package "a"`,
		"{name: a}\n": "-:1:2: invalid JSON: " +
			"invalid character 'n' looking for beginning of object key string",
	} {
		var r report.Report
		got, err := readManifest("-", strings.NewReader(content), &r)
		if err != nil {
			t.Fatal(err)
		}
		var said string
		if got != nil {
			said = dump(got)
		}
		for _, p := range r.Problems() {
			said += p.String()
		}
		same(t, said, want)
	}
}

// What the world gets wrong is an error, not a mistake in a manifest.
func TestWorldFails(t *testing.T) {
	t.Chdir(t.TempDir())
	for path, want := range map[string]string{
		"nowhere.json":               "nowhere.json",
		"https://example.com/a.json": "pass - to read it from standard input",
		"-":                          "read -: broken",
		".":                          "there is no .space directory",
	} {
		var r report.Report
		_, err := readManifest(path, broken{}, &r)
		if err == nil || !strings.Contains(err.Error(), want) || len(r.Problems()) > 0 {
			t.Errorf("%s: %v %v", path, err, r.Problems())
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fmt.Errorf("broken") }
