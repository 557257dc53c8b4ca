package assembly

import "testing"

func TestSizesOfAGroup(t *testing.T) {
	percent := func(n int) *int { return &n }
	rolling := func(batch int, healthy *int) GroupSize {
		return GroupSize{Of: SizeInService, Min: 2, Max: 20, Batch: batch, MinHealthy: healthy}
	}
	night := GroupSize{Of: SizeInService, Min: 2, Max: 20, Batch: 1, ScheduledMax: true}
	redblack := GroupSize{Of: SizeDesired, Min: 2, Max: 20}
	scheduled := GroupSize{Of: SizeDesired, Min: 2, Max: 20, ScheduledMin: true, ScheduledMax: true}
	for name, c := range map[string]struct {
		size GroupSize
		live Sizes
		want int
	}{
		"one at a time, with room":               {rolling(1, nil), Sizes{2, 18, 20}, 18},
		"one at a time, without":                 {rolling(1, nil), Sizes{2, 20, 20}, 19},
		"batches, with room":                     {rolling(5, nil), Sizes{2, 10, 20}, 10},
		"batches, with some room":                {rolling(5, nil), Sizes{2, 18, 20}, 15},
		"a batch of all":                         {rolling(20, nil), Sizes{2, 18, 20}, 0},
		"a batch of more":                        {rolling(50, nil), Sizes{2, 18, 20}, 0},
		"90 percent":                             {rolling(5, percent(90)), Sizes{2, 18, 20}, 17},
		"all of them, without room":              {rolling(5, percent(100)), Sizes{2, 20, 20}, 19},
		"none of them":                           {rolling(5, percent(0)), Sizes{2, 18, 20}, 0},
		"a fleet below the new minimum":          {rolling(1, nil), Sizes{0, 1, 20}, 2},
		"a schedule with a smaller maximum":      {night, Sizes{2, 8, 8}, 7},
		"a schedule with a larger maximum":       {night, Sizes{2, 50, 50}, 19},
		"a new group":                            {redblack, Sizes{2, 18, 20}, 18},
		"a new group above the new maximum":      {redblack, Sizes{2, 30, 30}, 20},
		"a new group below the new minimum":      {redblack, Sizes{0, 1, 20}, 2},
		"a new group after none":                 {GroupSize{Of: SizeDesired, Max: 20}, Sizes{0, 0, 20}, 1},
		"a new group within the day's limits":    {scheduled, Sizes{10, 10, 12}, 10},
		"the day's minimum":                      {GroupSize{Of: SizeMin, Min: 2, Max: 20, ScheduledMin: true}, Sizes{10, 12, 20}, 10},
		"the day's maximum":                      {GroupSize{Of: SizeMax, Min: 2, Max: 20, ScheduledMax: true}, Sizes{10, 12, 50}, 50},
		"the day's minimum over the new maximum": {GroupSize{Of: SizeMin, Min: 2, Max: 5, ScheduledMin: true}, Sizes{10, 12, 20}, 5},
	} {
		if got := c.size.From(c.live); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestDeployedSizesThatStay(t *testing.T) {
	for _, c := range []struct {
		size  GroupSize
		value int
		want  bool
	}{
		{GroupSize{Of: SizeInService, Max: 20}, 19, true},
		{GroupSize{Of: SizeInService, Max: 20}, 20, false}, // CloudFormation refuses it
		{GroupSize{Of: SizeDesired, Min: 2, Max: 20}, 20, true},
		{GroupSize{Of: SizeDesired, Min: 2, Max: 20}, 21, false},
		{GroupSize{Of: SizeDesired, Min: 2, Max: 20}, 1, false},
		{GroupSize{Of: SizeDesired, Min: 2, Max: 20, ScheduledMax: true}, 50, true},
		{GroupSize{Of: SizeMin, Min: 2, Max: 20, ScheduledMin: true}, 10, true},
	} {
		if got := c.size.Allows(c.value); got != c.want {
			t.Errorf("%+v, %d: got %v", c.size, c.value, got)
		}
	}
}
