package live

import "testing"

func TestReasonsAreMasked(t *testing.T) {
	secrets := Secrets{"https://hooks.example.com/first", "hunter2"}
	const (
		ofDocs   = "see https://docs.aws.amazon.com/sns/latest/dg/limits.html"
		ofBucket = "no access to https://bucket.s3.us-east-1.amazonaws.com/a/key"
	)
	for reason, want := range map[string]string{
		" https://hooks.example.com/first is no address\n":                         "**** is no address",
		"the password hunter2 is too short":                                        "the password **** is too short",
		"invalid endpoint 'https://events.pagerduty.com/integration/0a1b/enqueue'": "invalid endpoint 'https://events.pagerduty.com/****'",
		"no answer of https://hooks.example.org?key=0a1b":                          "no answer of https://hooks.example.org/****",
		ofDocs:   ofDocs,
		ofBucket: ofBucket,
	} {
		if got := secrets.MaskReason(reason); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
