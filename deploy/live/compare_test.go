package live

import "testing"

func TestSameTemplate(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"A": 1, "B": 2}`, `{"B":2,"A":1}`, true},
		{`{"A": 1}`, `{"A": "1"}`, false},
		{`{"A": 10000000000000001}`, `{"A": 10000000000000002}`, false},
		{`A: 1`, `A: 1`, true},
		{`A: 1`, `{"A": 1}`, false},
	} {
		if got := SameTemplate([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}
