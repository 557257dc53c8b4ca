package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/review"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/deploy/staging"
)

const releasesDescription = `Lists the releases of an app in all regions of the orbit, the newest first. Every deploy, redeploy and rollback
makes one. With a number N it shows that release, and its differences to the good release before it.

   spacel releases laika --orbit production
   spacel releases laika 12 --orbit production
   spacel releases laika --limit 100 --output json

Each record is signed with the orbit's KMS key. One whose signature is absent or wrong is shown as not trusted: somebody
without the key wrote it, and rollback never takes it.

   good           the stack is as the release says
   failed         the reason follows; the stack may be in a failed state
   rolled back    CloudFormation went back to the release before
   interrupted    the run ended before the release did
   running        not ended yet
   waiting        for an earlier wave of regions`

// releasesCommand shows the records of package deploy/history.
func releasesCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "releases",
		Usage:       "list an app's releases: who deployed what, when, and how it ended",
		ArgsUsage:   "[APP] [N]",
		Description: releasesDescription,
		Flags: append(targetFlags(),
			&cli.IntFlag{Name: "limit", Usage: "list the last `N` releases", Value: 20}),
		Action: func(ctx *cli.Context) error { return runReleases(c, ctx) },
	}, "text", "json")
}

// runReleases lists releases, or shows one. The arguments are checked before AWS is asked, so a mistake costs no call.
func runReleases(c *console, ctx *cli.Context) error {
	if ctx.NArg() != 1 && ctx.NArg() != 2 {
		return exactly(ctx, 1, "the app's name, and perhaps the number of a release")
	}
	number, err := releaseNumber(ctx, ctx.Args().Get(1))
	if err != nil {
		return err
	}
	if n := ctx.Int("limit"); n < 1 || n > mostListed {
		return fmt.Errorf("--limit must be 1 to %d, got %d", mostListed, n)
	}
	to, err := findTarget(c, ctx, toRead)
	if err != nil {
		return err
	}
	r := &releases{console: c, flags: ctx, of: to, app: ctx.Args().First()}
	for _, region := range to.Regions {
		r.stores = append(r.stores, history.Open(to.Cloud, to.Orbit, region))
	}
	if number > 0 {
		return r.show(ctx.Context, number)
	}
	return r.list(ctx.Context)
}

// mostListed is the greatest number of releases in a list: each costs a call that verifies its signature.
const mostListed = 10_000

// releaseNumber reads the number of a release, 0 for none.
func releaseNumber(ctx *cli.Context, word string) (int, error) {
	if word == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(word, "#"))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s: a release is a number from 1, got %q", ctx.Command.HelpName, word)
	}
	return n, nil
}

// releases is one run of the command.
type releases struct {
	*console
	flags  *cli.Context
	of     *target
	app    string
	stores []*history.Store // one of each region
}

// releasesOutput is the output of --output json. Version is that of its form.
type releasesOutput struct {
	Version  int          `json:"version"`
	Orbit    string       `json:"orbit"`
	App      string       `json:"app"`
	Releases []releaseRow `json:"releases"`          // the newest first
	Without  []string     `json:"without,omitempty"` // regions without a table of records
}

// releaseRow is one release in it.
type releaseRow struct {
	Number  int             `json:"number"`
	ID      string          `json:"id,omitempty"`
	Outcome history.Outcome `json:"outcome,omitempty"` // over all regions; absent when no record is trusted
	Version string          `json:"version,omitempty"` // of the app
	Regions []history.Entry `json:"regions"`
}

const releasesForm = 1

// rowOf returns the row of a release. Untrusted records are listed with the others, each with its problem: a program
// sees a forged one, too.
func rowOf(r history.Release) releaseRow {
	row := releaseRow{Number: r.Number, ID: r.ID, Outcome: r.Outcome(), Regions: r.Entries}
	if first, ok := trusted(r); ok {
		row.Version = first.Version
	}
	return row
}

// trusted returns the first trusted record of a release.
func trusted(r history.Release) (history.Entry, bool) {
	i := slices.IndexFunc(r.Entries, history.Entry.Trusted)
	if i < 0 {
		return history.Entry{}, false
	}
	return r.Entries[i], true
}

// list prints the newest releases.
func (r *releases) list(ctx context.Context) error {
	found, without, err := history.Releases(ctx, r.stores, r.app, r.flags.Int("limit"))
	if err != nil {
		return err
	}
	// An app without a record may be misspelt, or deployed before there were records.
	if len(found) == 0 {
		if err := r.of.checkApp(ctx, r.app); err != nil {
			return err
		}
	}
	if r.flags.String("output") == "json" {
		out := releasesOutput{Version: releasesForm, Orbit: r.of.Orbit, App: r.app, Releases: []releaseRow{}, Without: without}
		for _, each := range found {
			out.Releases = append(out.Releases, rowOf(each))
		}
		return r.printJSON(out)
	}
	// Such a region may have releases from before there were records, so the list is not complete.
	for _, region := range without {
		fmt.Fprintf(r.stderr, "note: %s has no table of releases yet: deploy the orbit's own stacks once\n", region)
	}
	if r.flags.Bool("quiet") {
		return nil
	}
	if len(found) == 0 {
		fmt.Fprintf(r.stderr, "no release of %s is recorded yet\n", r.app)
	}
	r.table(found)
	return r.out.err
}

// table prints a line for each release, and one below it for each region whose record says something else than the release's.
func (r *releases) table(found []history.Release) {
	p := painter(r.colour(r.flags))
	rows := [][]string{{"#", "began", "outcome", "version", "by", "commit", "regions"}}
	for _, each := range found {
		// All regions of a release have the same caller, time and version, so the first trusted record stands for them.
		first, ok := trusted(each)
		row := []string{strconv.Itoa(each.Number), "", "not trusted", "", "", "", regionsOf(each)}
		if ok {
			row[1], row[2] = first.Began.UTC().Format("2006-01-02 15:04Z"), string(each.Outcome())
			row[3], row[4], row[5] = first.Version, shortCaller(first.By), shortCommit(first.From)
		}
		rows = append(rows, row)
	}
	lines := columns(rows)
	fmt.Fprintln(r.out, p.paint(bold, lines[0]))
	for i, each := range found {
		fmt.Fprintln(r.out, lines[i+1])
		for _, e := range each.Entries {
			if text := recordRemark(e, each.Outcome()); text != "" {
				fmt.Fprintln(r.out, "      "+p.paint(outcomeColour(e), printable(text)))
			}
		}
	}
}

// columns lays a table out. Versions, callers and reasons come from a table that others may write, so control characters are replaced.
func columns(rows [][]string) []string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	_ = table.Flush() // a strings.Builder takes everything
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// recordRemark adds the facts of one region which differ from the release's own line, "" for none.
func recordRemark(e history.Entry, whole history.Outcome) string {
	switch {
	case !e.Trusted():
		return fmt.Sprintf("%s: not trusted: %s", e.Region, e.Problem)
	case e.Why != "":
		return fmt.Sprintf("%s %s: %s", e.Region, e.Outcome, e.Why)
	case e.Outcome != whole:
		return fmt.Sprintf("%s %s", e.Region, e.Outcome)
	}
	return ""
}

// outcomeColour returns the colour of a record's remark.
func outcomeColour(e history.Entry) string {
	switch {
	case !e.Trusted(), e.Outcome == history.Failed, e.Outcome == history.RolledBack, e.Outcome == history.Interrupted:
		return red
	case e.Outcome == history.Good:
		return green
	}
	return yellow
}

// regionsOf lists the regions of a release's records.
func regionsOf(r history.Release) string {
	var regions []string
	for _, e := range r.Entries {
		regions = append(regions, e.Region)
	}
	return strings.Join(regions, ", ")
}

// The list has one line for a release, so long names are cut there. The details and the JSON have them in full.

// shortCaller returns the name in a caller's ARN: ada of user/ada, and deployer/ci of a role's session assumed-role/deployer/ci.
func shortCaller(arn string) string {
	_, name, _ := strings.Cut(arn, "/")
	return name
}

// shortCommit returns the first digits of a commit, as git prints them.
func shortCommit(from *history.Origin) string {
	if from == nil {
		return ""
	}
	return from.Commit[:min(len(from.Commit), 10)]
}

// show prints one release with its differences to the good release before it.
func (r *releases) show(ctx context.Context, number int) error {
	found, err := r.find(ctx, number)
	if err != nil {
		return err
	}
	// The comparison reads the artifacts from S3. A failure is only printed, since the record itself is of use without a comparison.
	compared, missing, err := r.compare(ctx, found)
	if err != nil {
		return err
	}
	if r.flags.String("output") == "json" {
		return r.printJSON(struct {
			Version int `json:"version"`
			releaseDetail
		}{releasesForm, releaseDetail{r.of.Orbit, r.app, rowOf(found), compared.before, compared.review, missing}})
	}
	if r.flags.Bool("quiet") {
		return nil
	}
	r.details(found)
	for _, text := range missing {
		fmt.Fprintln(r.out, "\n"+printable(text))
	}
	if compared.review == nil {
		return r.out.err
	}
	fmt.Fprintf(r.out, "\nchanges since %s:\n", beforeText(compared.before))
	return review.Text(r.out, compared.review, r.colour(r.flags))
}

// releaseDetail is one release in --output json. Diff is in the format of spacel diff.
type releaseDetail struct {
	Orbit   string         `json:"orbit"`
	App     string         `json:"app"`
	Release releaseRow     `json:"release"`
	Before  map[string]int `json:"before,omitempty"` // region → the release that it is compared with
	Diff    *review.Review `json:"diff,omitempty"`
	Missing []string       `json:"missing,omitempty"` // why there is no diff
}

// beforeText names the releases beside which a release is compared: one number, or one of each region.
func beforeText(before map[string]int) string {
	var parts []string
	same := map[int]bool{}
	for _, region := range slices.Sorted(maps.Keys(before)) {
		same[before[region]] = true
		parts = append(parts, fmt.Sprintf("release %d in %s", before[region], region))
	}
	if len(same) == 1 {
		for n := range same {
			return fmt.Sprintf("release %d", n)
		}
	}
	return strings.Join(parts, ", ")
}

// find returns the release of a number. Two releases can have one number when they went to different regions. A region without a table
// has no release at all, which is no error: the others may have it.
func (r *releases) find(ctx context.Context, number int) (history.Release, error) {
	var found history.Release
	for _, s := range r.stores {
		e, there, err := s.Get(ctx, r.app, number)
		if errors.Is(err, history.ErrNoTable) {
			continue
		}
		if err != nil {
			return found, err
		}
		if there {
			e.Region = s.Region()
			found.Number, found.Entries = number, append(found.Entries, e)
		}
		if there && e.Trusted() {
			found.ID = e.ID
		}
	}
	if len(found.Entries) > 0 {
		return found, nil
	}
	// A misspelt app is the more likely mistake, so it is looked for first.
	if err := r.of.checkApp(ctx, r.app); err != nil {
		return found, err
	}
	return found, fmt.Errorf("%s has no release %d in %s: spacel releases %s lists them", r.app, number,
		strings.Join(r.of.Regions, ", "), r.app)
}

// details prints the facts of a release.
func (r *releases) details(found history.Release) {
	p := painter(r.colour(r.flags))
	outcome := string(found.Outcome())
	var forged []string
	for _, e := range found.Entries {
		if !e.Trusted() {
			forged = append(forged, e.Region)
		}
	}
	switch {
	case outcome == "":
		outcome = "not trusted"
	case len(forged) > 0: // the outcome is that of the other regions
		outcome += ", and not trusted in " + strings.Join(forged, ", ")
	}
	fmt.Fprintln(r.out, p.paint(bold, fmt.Sprintf("release %d of %s: %s", found.Number, r.app, outcome)))
	first, ok := trusted(found)
	// Without any trusted record there are no facts: everything in such a record may be forged.
	for _, fact := range factsOf(first) {
		if ok && fact[1] != "" {
			fmt.Fprintf(r.out, "  %-9s %s\n", fact[0], printable(fact[1]))
		}
	}
	for _, e := range found.Entries {
		text := fmt.Sprintf("%s  %s", e.Region, e.Outcome)
		if e.Trusted() && e.Seconds > 0 {
			text += " after " + elapsed(time.Duration(e.Seconds*float64(time.Second)))
		}
		if e.Wave > 0 {
			text += fmt.Sprintf(", wave %d", e.Wave)
		}
		for _, task := range e.Tasks {
			text += fmt.Sprintf(", task %s %s", task.Name, task.Outcome)
		}
		if rest := recordRemark(e, e.Outcome); rest != "" {
			text = rest
		}
		fmt.Fprintln(r.out, "  "+p.paint(outcomeColour(e), printable(text)))
	}
}

// factsOf lists the facts which all regions share, each with its name.
func factsOf(e history.Entry) [][2]string {
	command := e.Command
	if e.Again > 0 {
		command += fmt.Sprintf(" to release %d", e.Again)
	}
	facts := [][2]string{{"command", command}, {"began", e.Began.UTC().Format("2006-01-02 15:04:05Z")}, {"by", e.By}}
	if e.From != nil {
		facts = append(facts, [2]string{"commit", e.From.Commit}, [2]string{"run", e.From.URL})
	}
	facts = append(facts, [2]string{"version", e.Version})
	if e.Artifact != nil {
		facts = append(facts, [2]string{"artifact", e.Artifact.Digest})
	}
	return facts
}

// comparison is a release beside the good one before it.
type comparison struct {
	before map[string]int
	review *review.Review
}

// compare compares a release with the good release before it in each region, by their kept artifacts. Missing says why a comparison is
// not possible.
func (r *releases) compare(ctx context.Context, found history.Release) (c comparison, missing []string, err error) {
	c.before = map[string]int{}
	var now, old []history.Record
	for _, e := range found.Entries {
		if !e.Trusted() {
			missing = append(missing, fmt.Sprintf("%s: a record that is not trusted is not compared", e.Region))
			continue
		}
		i := slices.IndexFunc(r.stores, func(s *history.Store) bool { return s.Region() == e.Region })
		before, there, err := r.stores[i].Before(ctx, r.app, e.Number)
		if err != nil {
			return c, nil, err
		}
		now = append(now, e.Record)
		if there {
			c.before[e.Region] = before.Number
			old = append(old, before.Record)
		}
	}
	if len(old) == 0 {
		return comparison{}, append(missing, "there is no good release before it to compare with"), nil
	}
	// The records name their buckets, so none has to be configured.
	stage := staging.New(r.of.Cloud, staging.Buckets{})
	then, err := history.Fetch(ctx, stage, r.of.Orbit, old, asRecorded)
	if err == nil {
		var a *assembly.Assembly
		if a, err = history.Fetch(ctx, stage, r.of.Orbit, now, asRecorded); err == nil {
			c.review, err = compareArtifacts(r.flags, then, a)
			return c, missing, err
		}
	}
	if ctx.Err() != nil {
		return c, nil, ctx.Err()
	}
	return comparison{}, append(missing, "the artifacts cannot be compared: "+err.Error()), nil
}

// asRecorded puts the recorded values into a stack's parameters, for a comparison to show another version.
func asRecorded(r history.Record, s *assembly.Stack) {
	for name, value := range r.Parameters {
		if _, ok := s.Parameters[name]; ok {
			s.Parameters[name] = assembly.ValueFrom{Literal: &value}
		}
	}
}
