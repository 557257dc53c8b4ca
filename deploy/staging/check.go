package staging

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Check reports the problems of the buckets for stacks in these regions. A bucket must exist, belong to this account,
// be readable, and be in the stated region. A bucket which is not configured is no problem here. The bucket's default
// encryption does not matter, because uploads ask for S3's own keys (SSE-S3), which need no permission for KMS to
// read.
func (s *Stage) Check(ctx context.Context, regions []string) []error {
	var group errgroup.Group
	var problems []error
	for _, b := range []bucket{s.assets(), s.templates()} {
		for _, region := range regions {
			if b.name == "" {
				continue
			}
			// Problems are collected and not returned: the first error would end the group, and a user wants all of them.
			group.Go(func() error {
				_, _, err := s.locate(ctx, b, region)
				s.mu.Lock()
				defer s.mu.Unlock()
				problems = append(problems, err)
				return nil
			})
		}
	}
	_ = group.Wait() // the functions return no error
	return sortProblems(problems)
}

// sortProblems sorts problems and drops repeats, since one bucket serves many stacks. After an interrupt only the interrupt is
// left: all other problems follow from it.
func sortProblems(problems []error) []error {
	problems = slices.DeleteFunc(problems, func(err error) bool { return err == nil })
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	problems = slices.CompactFunc(problems, func(a, b error) bool { return a.Error() == b.Error() })
	if all := errors.Join(problems...); errors.Is(all, context.Canceled) {
		return []error{context.Canceled}
	}
	return problems
}
