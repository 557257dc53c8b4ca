package report

import "testing"

func TestSuggest(t *testing.T) {
	known := []string{"instance_min", "instance_max", "image", "all", "us-east-1", "us-east-2", "url"}
	for misspelt, want := range map[string]string{
		"instance_mni": "; did you mean instance_min?",
		"imgae":        "; did you mean image?",
		"al":           "; did you mean all?",
		"URL":          "; did you mean url?",
		"us-eats-2":    "; did you mean us-east-2?",
		"colour":       "",
		"x":            "",
		"":             "",
	} {
		if got := Suggest(misspelt, known); got != want {
			t.Errorf("%s%s, want %q", misspelt, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "bac", 1},
		{"kitten", "sitting", 3}, {"abcd", "acbd", 1}, {"ca", "abc", 3},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%s → %s is %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
