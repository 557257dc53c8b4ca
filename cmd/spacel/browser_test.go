//go:build browser

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The programs of the test, as `make browser-test` gives them.
var (
	browserPath = flag.String("browser", "", "the path of chromium")
	spacelPath  = flag.String("spacel", "", "the path of spacel")
)

// harness shows a page in a frame of some width, and writes what it measures as JSON into its own body. The page may run no script
// itself.
const harness = `<!DOCTYPE html><meta charset="utf-8"><body><script>
const frame = document.createElement("iframe");
frame.style.cssText = "border: 0; width: %dpx; height: 900px";
frame.onload = () => {
	const page = frame.contentDocument, wide = [], cut = [];
	for (const e of page.querySelectorAll("body *"))
		if (e.getClientRects().length && e.getBoundingClientRect().right > page.documentElement.clientWidth + 0.5)
			wide.push(e.tagName + ": " + e.textContent.slice(0, 60));
	for (const g of page.querySelectorAll("svg g")) {
		const box = g.querySelector("rect"), view = g.closest("svg").viewBox.baseVal;
		for (const text of g.querySelectorAll("text")) {
			const t = text.getBBox(), b = box ? box.getBBox() : view;
			if (t.x < b.x || t.y < b.y || t.x + t.width > b.x + b.width || t.y + t.height > b.y + b.height) cut.push(text.textContent);
		}
	}
	const result = {width: page.documentElement.clientWidth, scroll: page.documentElement.scrollWidth, wide, cut,
		pictures: page.querySelectorAll("svg").length, boxes: page.querySelectorAll("svg rect").length,
		loads: performance.getEntriesByType("resource").length + frame.contentWindow.performance.getEntriesByType("resource").length,
		text: page.body.textContent};
	document.body.replaceChildren(document.createElement("pre"));
	document.body.firstChild.textContent = "MEASURED" + JSON.stringify(result) + "END";
};
frame.srcdoc = %s;
document.body.append(frame);
</script>`

// measured is what the browser found.
type measured struct {
	Width, Scroll, Pictures, Boxes, Loads int
	Wide, Cut                             []string
	Text                                  string
}

// TestPageInABrowser opens the page of one and of sixty apps in three regions, alone and as a comparison, in a wide and a narrow window:
// nothing is wider than the window, every text fits into its box, and the texts are there.
func TestPageInABrowser(t *testing.T) {
	for _, count := range []int{1, 60} {
		dir := manifests(t, size{count, 3})
		old, now := filepath.Join(dir, "old"), filepath.Join(dir, "now")
		spacelRun(t, append([]string{"build", "--quiet", "--with-orbit", "--orbit", filepath.Join(dir, "orbit.yaml"), "--out", old},
			apps(t, dir)...)...)
		changed := benchApp("app0000")
		all := changed["all"].(map[string]any)
		all["public_ports"] = map[int]any{443: map[string]any{"internal_port": 8081}}
		all["permissions"] = []any{map[string]any{"actions": []string{"s3:GetObject"}, "resources": []string{"arn:aws:s3:::a<b>&c"}}}
		write(t, filepath.Join(dir, "app0000.yaml"), changed)
		spacelRun(t, append([]string{"build", "--quiet", "--with-orbit", "--orbit", filepath.Join(dir, "orbit.yaml"), "--out", now},
			apps(t, dir)...)...)
		for name, page := range map[string]string{
			"one":  spacelRun(t, "graph", now, "--output", "html"),
			"both": spacelRun(t, "graph", old, now, "--output", "html"),
		} {
			for _, width := range []int{1280, 400} {
				t.Run(fmt.Sprintf("%d apps, %s, %d", count, name, width), func(t *testing.T) {
					check(t, measure(t, page, width), count, width, name)
				})
			}
		}
	}
}

// check compares what the browser found with what must be there.
func check(t *testing.T, m measured, apps, width int, name string) {
	if m.Width != width || m.Scroll > m.Width || len(m.Wide) > 0 {
		t.Errorf("the window has %d, the page %d; too wide: %q", m.Width, m.Scroll, m.Wide)
	}
	if len(m.Cut) > 0 {
		t.Errorf("texts that do not fit: %q", m.Cut)
	}
	if m.Loads != 0 {
		t.Errorf("the page loads %d files", m.Loads)
	}
	// In each region: the app and its balancer, the bastions, NAT, the internet, and the block of addresses.
	if m.Pictures != 3 || m.Boxes < 3*(2*apps+3) {
		t.Errorf("%d pictures with %d boxes", m.Pictures, m.Boxes)
	}
	want := []string{"us-east-1", "app0000's load balancer", "Allow s3:GetObject on arn:aws:s3:::a<b>&c", "app0000.yaml:"}
	if name == "both" {
		want = append(want, "+app0000", "-app0000", "traffic to port 443 stops until the new instances are up", "keep internal_port: 8080")
	}
	for _, text := range want {
		if !strings.Contains(m.Text, text) {
			t.Errorf("%q is not on the page", text)
		}
	}
}

// measure opens a page in a frame of a width. The window itself cannot be as narrow as a telephone.
func measure(t *testing.T, page string, width int) measured {
	t.Helper()
	text, err := json.Marshal(page) // < and > are escaped, so the script does not end early
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "harness.html")
	if err := os.WriteFile(path, fmt.Appendf(nil, harness, width, text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), *browserPath, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom", "file://"+path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	_, result, found := strings.Cut(string(out), "MEASURED")
	result, _, ended := strings.Cut(result, "END</pre>")
	if err != nil || !found || !ended {
		t.Fatalf("%v: the browser says nothing: %.300s %s", err, out, stderr.String())
	}
	var m measured
	if err := json.Unmarshal([]byte(html.UnescapeString(result)), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// spacelRun runs spacel and returns its output.
func spacelRun(t *testing.T, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), *spacelPath, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return string(out)
}
