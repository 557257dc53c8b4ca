package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pebble/spacel/compiler/assembly"
)

// selectStacks takes the stacks selected by the options out of the artifact.
func (d *Deployment) selectStacks(a *assembly.Assembly) error {
	stacks := a.Manifest.Stacks
	// A name with a typing mistake must not select nothing in silence, so this comes first.
	if err := asProblems(d.options.misnamed(stacks)); err != nil {
		return err
	}
	var errs []error
	for _, spec := range stacks {
		if !d.options.selects(spec) {
			continue
		}
		s, err := newStack(d.session, a, spec)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		d.stacks = append(d.stacks, s)
		d.parts = append(d.parts, &part{stack: s, plan: stackPlan{StackPlan: StackPlan{StackRef: s.ref()}}})
	}
	if len(d.stacks) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("no stack of the %d in the artifact directory is selected: "+
			"check --stack, --app and --region together", len(stacks)))
	}
	return asProblems(errs)
}

// selects reports whether the options select a stack. All three flags must match.
func (o Options) selects(stack assembly.Stack) bool {
	return names(o.Regions, stack.Region) && names(o.Apps, stack.App) &&
		(names(o.Stacks, stack.Name) || slices.Contains(o.Stacks, stack.Ref().String()))
}

// names reports whether a list selects a name. An empty list selects all.
func names(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }

// misnamed returns an error for each selection that names nothing in the artifact.
func (o Options) misnamed(stacks []assembly.Stack) []error {
	// known has both forms of a stack's name; refs only the short one, to keep the list in the message readable.
	regions, apps, refs := map[string]bool{}, map[string]bool{}, map[string]bool{}
	known, guards := map[string]bool{}, map[string]bool{}
	for _, s := range stacks {
		if s.Guard != nil {
			for _, alarm := range s.Guard.Alarms {
				guards[alarm.Name] = true
			}
		}
		regions[s.Region] = true
		refs[s.Name] = true
		known[s.Name], known[s.Ref().String()] = true, true
		if s.App != "" {
			apps[s.App] = true
		}
	}
	return slices.Concat(
		unknown("--stack", o.Stacks, known, refs),
		unknown("--app", o.Apps, apps, apps),
		unknown("--region", o.Regions, regions, regions),
		unknown("--ignore-alarm", o.IgnoreAlarms, guards, guards),
	)
}

// unknown returns an error for each chosen name that is not known. choices are the names offered instead.
func unknown(flag string, chosen []string, known, choices map[string]bool) []error {
	var errs []error
	for _, name := range chosen {
		if !known[name] {
			all := strings.Join(slices.Sorted(maps.Keys(choices)), ", ")
			errs = append(errs, fmt.Errorf("%s %s: the artifact directory has none of that name: choose from %s", flag, name, all))
		}
	}
	return errs
}
