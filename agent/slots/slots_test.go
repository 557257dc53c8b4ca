package slots

import "testing"

func TestChoose(t *testing.T) {
	volume := func(h Holder) Slot { return Slot{Holder: h, Volume: true, Here: true} }
	empty := func(h Holder) Slot { return Slot{Holder: h} }
	away := Slot{Holder: None, Volume: true}
	old, young := volume(None), volume(None)
	old.Claimed, young.Claimed = 1, 2
	justEndedAway := Slot{Holder: Ended, Volume: true}
	for name, c := range map[string]struct {
		all  []Slot
		want int
	}{
		"the first instance":                    {[]Slot{empty(None), empty(None)}, 0},
		"the successor of a terminated one":     {[]Slot{volume(Ended), empty(None)}, 0},
		"the predecessor still runs":            {[]Slot{volume(Leaving), empty(None)}, -1},
		"also beside a free volume":             {[]Slot{volume(Leaving), volume(None)}, -1},
		"scaled out":                            {[]Slot{volume(Staying), empty(None)}, 1},
		"scaled out again":                      {[]Slot{volume(Staying), empty(None), volume(None)}, 2},
		"all in use":                            {[]Slot{volume(Staying), volume(Staying)}, -1},
		"the other new one boots":               {[]Slot{empty(Staying), empty(None)}, 1},
		"a failed boot leaves":                  {[]Slot{empty(Leaving), empty(None)}, 1},
		"only a failed boot leaves":             {[]Slot{empty(Leaving)}, -1},
		"a volume here before one elsewhere":    {[]Slot{away, volume(None)}, 1},
		"one elsewhere before an empty slot":    {[]Slot{empty(None), away}, 1},
		"data in use until now, also elsewhere": {[]Slot{volume(None), justEndedAway}, 1},
		"of two old ones the younger":           {[]Slot{old, young}, 1},
		"no slots":                              {nil, -1},
	} {
		if got := Choose(c.all); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}
