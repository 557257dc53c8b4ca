package manifest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/schema/report"
)

// bombs are a few lines each that would take all time or all memory.
var bombs = map[string]string{
	"range": "import \"list\"\na: list.Range(0, 100000000, 1)\n",
	"loops": "a: [for a in x for b in x for c in x for d in x for e in x for f in x for g in x for h in x {a}]\n" +
		"x: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n",
	"disjunctions": disjunctions(),
	"doubling":     doubling(),
}

func disjunctions() string {
	var out strings.Builder
	out.WriteString("name: \"x\"\nall: ")
	for i := range 18 {
		fmt.Fprintf(&out, "({a%d: 1} | {b%d: 1}) & ", i, i)
	}
	return out.String() + "{}\n"
}

func doubling() string {
	var out strings.Builder
	out.WriteString("a0: \"xxxxxxxxxxxxxxxx\"\n")
	for i := range 30 {
		fmt.Fprintf(&out, "a%d: a%d + a%d\n", i+1, i, i)
	}
	return out.String()
}

// Evaluation cannot be stopped, so each bomb has a process of its own, which must end itself.
func TestBombs(t *testing.T) {
	if name := os.Getenv("SPACEL_TEST_BOMB"); name != "" {
		light(bombs[name])
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for name := range bombs {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestBombs$")
			cmd.Env = append(os.Environ(), "SPACEL_TEST_BOMB="+name)
			start := time.Now()
			out, err := cmd.CombinedOutput()
			took := time.Since(start)
			if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "-: evaluating it takes more than") {
				t.Errorf("after %v: %v\n%.500s", took, err, out)
			}
			if took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// light reads a bomb as a command would, with less patience.
func light(content string) {
	evaluationAllowance = allowance{time: time.Second, memory: 300 << 20}
	var r report.Report
	_, err := readManifest("-", strings.NewReader("package bomb\n\n"+content), &r)
	fmt.Println(err, r.Problems())
	if err != nil {
		os.Exit(2)
	}
	os.Exit(1)
}

// Policies and tests have the limits of manifests. A panic of CUE does not end the process.
func TestWithin(t *testing.T) {
	if n, err := Within("policies", func() int { return 3 }); n != 3 || err != nil {
		t.Error(n, err)
	}
	if _, err := Within("policies", func() int { panic("no such thing") }); err == nil || !strings.HasPrefix(err.Error(), "policies: ") {
		t.Error(err)
	}
	before := evaluationAllowance
	defer func() { evaluationAllowance = before }()
	evaluationAllowance.time = 30 * time.Millisecond
	stop := make(chan bool)
	defer close(stop)
	_, err := Within("policies", func() bool { return <-stop })
	if err == nil || !strings.HasPrefix(err.Error(), "policies: evaluating it takes more than 30ms") {
		t.Error(err)
	}
}
