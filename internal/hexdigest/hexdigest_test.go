package hexdigest

import "testing"

// The expected digest is the first example of FIPS 180-2, appendix B.1.
func TestSHA256(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := SHA256([]byte("abc")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
