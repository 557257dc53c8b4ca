package values

import (
	"context"
	"fmt"

	"github.com/pebble/spacel/deploy/live"
)

// recorded returns the value of an earlier release (Settings.Recorded), false for a parameter that does not go back. Sizes of groups and
// zones of volumes follow the deployed stack. A missing image or program is an error, since no instance could start.
func (r *Resolver) recorded(ctx context.Context, q question) (Value, bool, error) {
	of := r.settings.Recorded[q.stack.Ref()]
	text, known := of[q.name]
	s := q.source
	goesBack := s.Version != nil || s.Token != nil || s.Image != nil && !r.settings.UpgradeImage ||
		s.Binary != nil && !r.settings.UpgradeAgent
	if !known || !goesBack {
		return Value{}, false, nil
	}
	kept, there := q.kept()
	same := there && kept.Text == text
	switch {
	case s.Image != nil && !same:
		if err := r.checkImage(ctx, q.stack.Region, text, s.Image.Architecture); err != nil {
			return Value{}, false, fmt.Errorf("%w; it is the image of the release: --upgrade image takes the newest instead", err)
		}
	case s.Binary != nil:
		then := q
		then.deployed = &live.Stack{Parameters: of}
		bucket, whole := deployedBucket(then, s.Binary.Name)
		if !whole {
			return Value{}, false, nil // parts of a program mean nothing without the others
		}
		if err := r.checkKeptProgram(ctx, then, s.Binary.Name, bucket); err != nil {
			return Value{}, false, err
		}
	}
	if same {
		return kept, true, nil
	}
	return Value{Text: text}, true, nil
}
