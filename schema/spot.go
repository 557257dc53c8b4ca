package schema

import "strconv"

// spot is how the app runs on spot capacity, nil when it doesn't.
func (b appBuilder) spot(a *AppRegion) *Spot {
	if !b.flag("spot") {
		return nil
	}
	r := b.child("spot", b.facts.defaults.lookup("spot"))
	s := &Spot{Node: r.node(), Price: r.text("price"), Weights: map[string]int{}, Strategy: r.text("strategy")}
	if modern, ok := strategies[s.Strategy]; ok {
		s.Strategy = modern
	}
	for _, e := range r.entries("weights") {
		s.Weights[e.key], _ = strconv.Atoi(e.value.text)
		if b.facts.architecture(e.key) != a.Architecture {
			b.report.Errorf(e.pos(), "is %s, and instance_type %s is %s: one image serves them all", b.facts.architecture(e.key), a.InstanceType, a.Architecture)
		}
	}
	return s
}

// strategies are other spellings of allocation strategies.
var strategies = map[string]string{
	"lowestPrice": "lowest-price", "capacityOptimized": "capacity-optimized", "priceCapacityOptimized": "price-capacity-optimized",
}
