package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is the part of a GitHub workflow that the stand-in for a runner knows.
type workflow struct {
	Env      map[string]string
	Defaults struct {
		Run struct {
			Directory string `yaml:"working-directory"`
		}
	}
	Jobs map[string]struct {
		If          string
		Permissions map[string]string
		Steps       []workflowStep
	}
}

// workflowStep is a step of a job.
type workflowStep struct {
	Name, If, Uses, Run string
	Env                 map[string]string
	With                map[string]any
}

// runner is a stand-in for GitHub's hosted runner: it checks a commit out, evaluates expressions, runs each step by bash -eo pipefail
// with the files of GITHUB_*, and has a gh, a curl and a spacel that record their calls.
type runner struct {
	*testing.T
	repository string            // with the commits
	context    map[string]string // of expressions: github.event_name
	head       string            // the commit of the event
	work, temp string
	calls      string // the file that records calls
}

// workflowRepository is a git repository with commits of a user.
type workflowRepository struct {
	*testing.T
	dir string
}

// git runs git in the repository and returns its output.
func (r workflowRepository) git(args ...string) string {
	r.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// spacel runs the program in a directory of the repository.
func (r workflowRepository) spacel(below string, args ...string) {
	r.Helper()
	cmd := program(r.Context(), args...)
	cmd.Dir = filepath.Join(r.dir, below)
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("spacel %v: %v\n%s", args, err, out)
	}
}

// commit commits everything and returns the commit.
func (r workflowRepository) commit(message string) string {
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", message)
	return r.git("rev-parse", "HEAD")
}

// edit replaces text in a file.
func (r workflowRepository) edit(name, old, now string) {
	r.Helper()
	path := filepath.Join(r.dir, name)
	body, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(body), old) {
		r.Fatalf("%s has no %q (%v)", name, old, err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(body), old, now)), 0o644); err != nil {
		r.Fatal(err)
	}
}

// merge merges a branch into main as GitHub's button does, and returns the merge commit.
func (r workflowRepository) merge(branch string) string {
	r.git("checkout", "--quiet", "main")
	r.git("merge", "--quiet", "--no-ff", "--message", "Merge "+branch, branch)
	return r.git("rev-parse", "HEAD")
}

// run runs a job of the workflow in the commit, and returns what its steps printed. The error is that of the first step that failed.
func (r *runner) run(job string) (string, error) {
	r.Helper()
	r.work, r.temp = r.TempDir(), r.TempDir()
	r.calls = filepath.Join(r.temp, "calls")
	body, err := exec.Command("git", "-C", r.repository, "show", r.head+":.github/workflows/spacel.yml").Output()
	if err != nil {
		r.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal(body, &w); err != nil {
		r.Fatal(err)
	}
	if !r.holds(w.Jobs[job].If) {
		r.Fatalf("%s does not run: %s", job, w.Jobs[job].If)
	}
	r.programs()
	var out strings.Builder
	path := filepath.Join(r.temp, "bin") + ":" + os.Getenv("PATH")
	for _, step := range w.Jobs[job].Steps {
		if step.If != "" && !r.holds(step.If) {
			continue
		}
		if step.Uses != "" {
			r.use(step)
			continue
		}
		cmd := exec.CommandContext(r.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
		cmd.Dir = filepath.Join(r.work, w.Defaults.Run.Directory)
		cmd.Env = append(r.environment(), "PATH="+path)
		for _, env := range []map[string]string{w.Env, step.Env} {
			for name, value := range env {
				cmd.Env = append(cmd.Env, name+"="+r.evaluate(value))
			}
		}
		text, err := cmd.CombinedOutput()
		out.Write(text)
		if err != nil {
			return out.String(), fmt.Errorf("step %q: %w\n%s", step.Name, err, text)
		}
		if added, err := os.ReadFile(filepath.Join(r.temp, "path")); err == nil {
			path = strings.ReplaceAll(strings.TrimSpace(string(added)), "\n", ":") + ":" + path
		}
	}
	return out.String(), nil
}

// environment is that of a step: nothing of the test's own but HOME, which is empty.
func (r *runner) environment() []string {
	return []string{
		"HOME=" + r.temp, "RUNNER_TEMP=" + r.temp, "GITHUB_WORKSPACE=" + r.work, "GITHUB_PATH=" + filepath.Join(r.temp, "path"),
		"GITHUB_STEP_SUMMARY=" + filepath.Join(r.temp, "summary"), "GITHUB_REPOSITORY=owner/name", "GITHUB_ACTIONS=true", "CI=true",
		"GITHUB_SERVER_URL=https://github.com", "GITHUB_RUN_ID=42",
		"SPACEL_TEST_BINARY=" + os.Args[0], "CALLS=" + r.calls,
	}
}

// programs writes the stand-ins. curl downloads the spacel of the test, which records its calls and does all but calls of AWS. gh refuses a
// token that may not comment.
func (r *runner) programs() {
	for name, text := range map[string]string{
		"curl": `while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done
echo "curl $1" >> "$CALLS"
name=$(basename "$1" .tar.gz); mkdir -p "$RUNNER_TEMP/made/$name"
cat > "$RUNNER_TEMP/made/$name/spacel" <<'END'
#!/bin/bash
echo "spacel $*" >> "$CALLS"
case $1 in deploy|redeploy) exit 0;; status) echo "us-east-1/test-shop drifted"; exit 1;; esac
exec -a spacel "$SPACEL_TEST_BINARY" "$@"
END
tar -czf "$out" -C "$RUNNER_TEMP/made" "$name"`,
		"gh": `echo "gh $*" >> "$CALLS"; [ "$GH_TOKEN" = write ] || { echo "Resource not accessible by integration"; exit 1; }`,
		// The digest in the workflow is the release's, and the program is the test's.
		"sha256sum": `grep -qE '^[0-9a-f]{64}  /' || { echo "no digest"; exit 1; }`,
	} {
		dir := filepath.Join(r.temp, "bin")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			r.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/bash\n"+text+"\n"), 0o755); err != nil {
			r.Fatal(err)
		}
	}
}

// pinned matches an action pinned by its commit.
var pinned = regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40}$`)

// use does what an action does: a checkout clones the commit with as many of its ancestors as asked for, and keeps no credentials.
func (r *runner) use(step workflowStep) {
	if !pinned.MatchString(step.Uses) {
		r.Errorf("%s is not pinned by a commit", step.Uses)
	}
	action, _, _ := strings.Cut(step.Uses, "@")
	switch action {
	case "actions/checkout":
		depth := "1"
		if d, ok := step.With["fetch-depth"]; ok {
			depth = fmt.Sprint(d)
		}
		if step.With["persist-credentials"] != false {
			r.Error("the checkout leaves a token on the disk")
		}
		for _, args := range [][]string{{"init", "--quiet"},
			{"fetch", "--quiet", "--depth", depth, "file://" + r.repository, r.head}, {"checkout", "--quiet", "FETCH_HEAD"}} {
			if out, err := exec.Command("git", append([]string{"-C", r.work}, args...)...).CombinedOutput(); err != nil {
				r.Fatalf("%v: %s", err, out)
			}
		}
	case "actions/upload-artifact":
		for path := range strings.Lines(r.evaluate(fmt.Sprint(step.With["path"]))) {
			if _, err := os.Stat(strings.TrimSpace(path)); err != nil {
				r.Error(err)
			}
		}
	case "aws-actions/configure-aws-credentials":
		if step.With["role-to-assume"] == nil {
			r.Error("no role")
		}
		r.record("credentials " + r.evaluate(fmt.Sprint(step.With["role-to-assume"])))
	default:
		r.Errorf("unknown action %s", step.Uses)
	}
}

// record adds a line to the calls.
func (r *runner) record(line string) {
	file, err := os.OpenFile(r.calls, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		r.Fatal(err)
	}
	defer file.Close()
	fmt.Fprintln(file, line)
}

// called returns the calls of a program, a line each.
func (r *runner) called() string {
	body, _ := os.ReadFile(r.calls)
	return string(body)
}

// expression matches ${{ name }}.
var expression = regexp.MustCompile(`\$\{\{ *([^}]*?) *\}\}`)

// evaluate replaces expressions by values of the context. An unknown one fails the test.
func (r *runner) evaluate(text string) string {
	return expression.ReplaceAllStringFunc(text, func(e string) string { return r.value(expression.FindStringSubmatch(e)[1]) })
}

// value returns the value of a name, or of a text in quotes.
func (r *runner) value(name string) string {
	if strings.HasPrefix(name, "'") {
		return strings.Trim(name, "'")
	}
	if name == "runner.temp" {
		return r.temp
	}
	value, known := r.context[name]
	if !known {
		r.Errorf("unknown expression %s", name)
	}
	return value
}

// holds evaluates a condition: a == b.
func (r *runner) holds(condition string) bool {
	left, right, ok := strings.Cut(condition, " == ")
	if !ok {
		r.Fatalf("unknown condition %q", condition)
	}
	return r.value(left) == r.value(right)
}

// The generated workflow in a repository that has a .gitignore and keeps spacel in a subdirectory.
func TestGeneratedWorkflow(t *testing.T) {
	t.Parallel()
	repo := workflowRepository{t, t.TempDir()}
	repo.git("init", "--quiet", "--initial-branch", "main")
	if err := os.WriteFile(filepath.Join(repo.dir, ".gitignore"), []byte("node_modules\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	repo.commit("a repository without spacel")

	// The first pull request brings spacel: the base has no build/.
	repo.git("checkout", "--quiet", "-b", "first")
	repo.spacel("", "init", "shop")
	repo.edit(".github/workflows/spacel.yml", `SPACEL_VERSION: ""`, `SPACEL_VERSION: "v1.4.0"`)
	unfilled := repo.commit("spacel, with a digest to be filled in")
	repo.spacel("shop", "build", "--quiet")
	repo.edit(".github/workflows/spacel.yml", `SPACEL_SHA256: ""`, `SPACEL_SHA256: "`+strings.Repeat("a1", 32)+`"`)
	repo.commit("spacel")
	pull := func(head, token, owner string) *runner {
		return &runner{T: t, repository: repo.dir, head: head, context: map[string]string{
			"github.event_name": "pull_request", "github.event.number": "7", "github.token": token, "github.repository": "owner/name",
			"github.event.pull_request.head.repo.full_name": owner + "/name",
		}}
	}
	// merged is refs/pull/7/merge: a commit of both parents that is on no branch.
	merged := func(branch string) string {
		repo.git("checkout", "--quiet", "--detach", "main")
		repo.git("merge", "--quiet", "--no-ff", "--message", "Merge", branch)
		return repo.git("rev-parse", "HEAD")
	}
	if out, err := pull(unfilled, "write", "owner").run("review"); err == nil || !strings.Contains(out, "::error::fill in SPACEL_SHA256") {
		t.Errorf("without a digest: %v\n%s", err, out)
	}
	r := pull(merged("first"), "write", "owner")
	r.must("review")
	r.has("the summary", r.file("summary"), "test-shop")
	r.has("the calls", r.called(), "gh pr comment 7 --repo owner/name --edit-last --create-if-none",
		"releases/download/v1.4.0/spacel-v1.4.0-linux-amd64.tar.gz")

	// A fork's token may not comment: the summary is there all the same, and the job passes.
	fork := pull(merged("first"), "read", "stranger")
	fork.must("review")
	fork.has("the summary", fork.file("summary"), "test-shop")
	if strings.Contains(fork.called(), "gh ") {
		t.Errorf("a fork's job comments: %s", fork.called())
	}

	// A review that no comment can hold: it is whole in the summary, and the comment says where.
	repo.git("checkout", "--quiet", "-b", "long", "first")
	var statements []string
	for i := range 300 {
		statements = append(statements, fmt.Sprintf(`{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::%s-%d/*"}`,
			strings.Repeat("x", 200), i))
	}
	repo.edit("shop/app.yaml", "instance_max: 2", "instance_max: 2\n  resources: {Resources: {Big: {Type: \"AWS::IAM::Policy\", "+
		"Properties: {PolicyName: big, Roles: [{Ref: Role}], PolicyDocument: {Version: \"2012-10-17\", Statement: ["+
		strings.Join(statements, ", ")+"]}}}}}")
	repo.spacel("shop", "build", "--quiet")
	repo.commit("a long change")
	long := pull(merged("long"), "write", "owner")
	long.must("review")
	long.has("the summary", long.file("summary"), "xxx-0/*", "xxx-299/*")
	long.has("the comment", long.file("review.md"), "[the page of the run](https://github.com/owner/name/actions/runs/42)",
		"and a comment takes 65,536")
	long.has("the calls", long.called(), "gh pr comment 7")
	if text := long.file("review.md"); len(text) > 1000 {
		t.Errorf("the comment has %d bytes", len(text))
	}

	push := func(head string) *runner {
		return &runner{T: t, repository: repo.dir, head: head, context: map[string]string{
			"github.event_name": "push", "vars.SPACEL_ROLE_ARN": "arn:aws:iam::123456789012:role/ci",
		}}
	}
	d := push(repo.merge("first"))
	d.must("deploy")
	// The check comes before the credentials, and no version is deployed.
	if want := "spacel build --check --output github\ncredentials arn:aws:iam::123456789012:role/ci\n" +
		"spacel deploy --yes --make-buckets\n"; !strings.HasSuffix(d.called(), want) {
		t.Errorf("deploy calls\n%s", d.called())
	}

	// Two pull requests that are right alone, and not together: the second merge is not deployed.
	repo.git("checkout", "--quiet", "-b", "more", "main")
	repo.edit("shop/app.yaml", "instance_max: 2", "instance_max: 4")
	repo.spacel("shop", "build", "--quiet")
	repo.commit("more instances")
	repo.git("checkout", "--quiet", "-b", "manifest-only", "main")
	repo.edit("shop/orbit.yaml", "nat: enabled", "nat: per-az")
	repo.commit("a manifest without its build")
	repo.merge("more")
	bad := push(repo.merge("manifest-only"))
	out, err := bad.run("deploy")
	if err == nil || strings.Contains(bad.called(), "spacel deploy") || strings.Contains(bad.called(), "credentials") {
		t.Errorf("deployed: %v\n%s", err, bad.called())
	}
	bad.has("the output", out, "::error file=shop/build/manifest.json,line=1,col=1,title=spacel stale::")

	release := &runner{T: t, repository: repo.dir, head: d.head, context: map[string]string{
		"github.event_name": "workflow_dispatch", "vars.SPACEL_ROLE_ARN": "arn", "inputs.app": "shop", "inputs.version": "v1.5; rm -rf /",
	}}
	release.must("release")

	// A difference is on the page of the run, and fails it.
	drift := &runner{T: t, repository: repo.dir, head: d.head, context: map[string]string{
		"github.event_name": "schedule", "vars.SPACEL_DRIFT_ROLE_ARN": "arn:aws:iam::123456789012:role/reader",
	}}
	if out, err := drift.run("drift"); err == nil || !strings.Contains(out, "test-shop drifted") {
		t.Errorf("a difference passes: %v\n%s", err, out)
	}
	drift.has("the summary", drift.file("summary"), "us-east-1/test-shop drifted")
	drift.has("the calls", drift.called(), "credentials arn:aws:iam::123456789012:role/reader\nspacel status --drift\n")
	release.has("the calls", release.called(), "spacel redeploy shop --version v1.5; rm -rf / --yes\n")
}

// must runs a job that passes.
func (r *runner) must(job string) {
	r.Helper()
	if out, err := r.run(job); err != nil {
		r.Fatalf("%v\n%s", err, out)
	}
}

// has reports texts that are missing.
func (r *runner) has(what, text string, want ...string) {
	r.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			r.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}

// file returns a file of the runner's temporary directory.
func (r *runner) file(name string) string {
	body, err := os.ReadFile(filepath.Join(r.temp, name))
	if err != nil {
		r.Error(err)
	}
	return string(body)
}
