package staging

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Check says what is wrong with the buckets of stacks in these regions: they must be there, ours, readable, and in the region
// that was said. Buckets that are not configured are not missed. How a bucket encrypts by default does not matter: what is
// uploaded asks for S3's own keys, which need no right of their own to read.
func (s *Stage) Check(ctx context.Context, regions []string) []error {
	var group errgroup.Group
	var problems []error
	for _, b := range []bucket{s.assets(), s.templates()} {
		for _, region := range regions {
			if b.name == "" {
				continue
			}
			group.Go(func() error {
				_, _, err := s.locate(ctx, b, region)
				s.mu.Lock()
				defer s.mu.Unlock()
				problems = append(problems, err)
				return nil
			})
		}
	}
	_ = group.Wait() // nothing fails in it
	return sortProblems(problems)
}

// sortProblems sorts problems and drops repeats: one bucket serves many stacks.
func sortProblems(problems []error) []error {
	problems = slices.DeleteFunc(problems, func(err error) bool { return err == nil })
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	problems = slices.CompactFunc(problems, func(a, b error) bool { return a.Error() == b.Error() })
	if all := errors.Join(problems...); errors.Is(all, context.Canceled) {
		return []error{context.Canceled}
	}
	return problems
}
