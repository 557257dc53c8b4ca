package secrets

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets/kmstest"
)

const plaintext = "correct horse battery staple"

var place = Context{Orbit: "production", App: "laika", Key: "PASSWORD"}

func sealTo(t *testing.T, server *kmstest.Server, text string) document.Payload {
	t.Helper()
	p, err := Seal(t.Context(), server.Client("us-east-1"), []byte(text), place, []string{"eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOpenWhatWasSealed(t *testing.T) {
	server := kmstest.New(t)
	for _, text := range []string{plaintext, "", "ünïcode\n", "\xff\x00binary", strings.Repeat("long ", 2000)} {
		p := sealTo(t, server, text)
		got, err := Open(t.Context(), server.Client("ap-south-1"), p, place)
		if err != nil || string(got) != text {
			t.Errorf("got %q, %v, want %q", got, err, text)
		}
		if wantEncoding := map[bool]string{true: "bytes", false: "utf-8"}[strings.Contains(text, "\xff")]; p.Encoding != wantEncoding {
			t.Errorf("%q has encoding %s", text, p.Encoding)
		}
	}
}

func TestSealTwiceDiffers(t *testing.T) {
	server := kmstest.New(t)
	a, b := sealTo(t, server, plaintext), sealTo(t, server, plaintext)
	if a.Ciphertext == b.Ciphertext || a.Key == b.Key || a.IV == b.IV {
		t.Error("two payloads share a data key or a nonce")
	}
}

func TestOpenRefusesAnotherPlace(t *testing.T) {
	server := kmstest.New(t)
	p := sealTo(t, server, plaintext)
	for name, elsewhere := range map[string]Context{
		"orbit": {Orbit: "test", App: "laika", Key: "PASSWORD"},
		"app":   {Orbit: "production", App: "belka", Key: "PASSWORD"},
		"key":   {Orbit: "production", App: "laika", Key: "USERNAME"},
	} {
		refusal(t, name, p, elsewhere, server)
	}
}

// Two apps' names can give one alias: production and laika-blue, production-laika and blue.
func TestOpenRefusesAnotherAppWithTheSameAlias(t *testing.T) {
	server := kmstest.New(t)
	one, other := Context{Orbit: "production", App: "laika-blue", Key: "A"}, Context{Orbit: "production-laika", App: "blue", Key: "A"}
	p, err := Seal(t.Context(), server.Client("eu-west-1"), []byte(plaintext), one, []string{"eu-west-1"})
	if err != nil || one.Alias() != other.Alias() {
		t.Fatal(one.Alias(), other.Alias(), err)
	}
	refusal(t, "another app", p, other, server)
}

// The cipher binds a payload to its place too, should KMS not.
func TestCipherRefusesAnotherPlace(t *testing.T) {
	server := kmstest.New(t)
	p := sealTo(t, server, plaintext)
	elsewhere := place
	elsewhere.Key = "USERNAME"
	key, err := unwrap(t.Context(), server.Client("us-east-1"), p.KeyRegion, unbase64(t, p.Key), place.Alias(), place.encryption())
	if err != nil {
		t.Fatal(err)
	}
	parts, err := decode(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openGCM(key, parts, elsewhere); err == nil {
		t.Error("a payload opened with another name")
	}
	if got, err := openGCM(key, parts, place); err != nil || string(got) != plaintext {
		t.Errorf("at its own place: %q, %v", got, err)
	}
}

func TestOpenRefusesAnAlteredPayload(t *testing.T) {
	server := kmstest.New(t)
	whole := sealTo(t, server, plaintext)
	for name, alter := range map[string]func(*document.Payload){
		"ciphertext":        func(p *document.Payload) { p.Ciphertext = flip(t, p.Ciphertext) },
		"iv":                func(p *document.Payload) { p.IV = flip(t, p.IV) },
		"key":               func(p *document.Payload) { p.Key = flip(t, p.Key) },
		"short iv":          func(p *document.Payload) { p.IV = "AAAA" },
		"cut ciphertext":    func(p *document.Payload) { p.Ciphertext = p.Ciphertext[:8] },
		"no ciphertext":     func(p *document.Payload) { p.Ciphertext = "" },
		"not base64":        func(p *document.Payload) { p.IV = "?" },
		"another region":    func(p *document.Payload) { p.KeyRegion = "us-east-1" },
		"called version 0":  func(p *document.Payload) { p.Version = 0 },
		"a later version":   func(p *document.Payload) { p.Version = 2 },
		"a wrapped nothing": func(p *document.Payload) { p.Key = wrap(server, place.encryption(), nil) },
		"a short key":       func(p *document.Payload) { p.Key = wrap(server, place.encryption(), make([]byte, 16)) },
		"another key":       func(p *document.Payload) { p.Key = wrap(server, place.encryption(), make([]byte, 32)) },
	} {
		p := whole
		alter(&p)
		refusal(t, name, p, place, server)
	}
}

// The 2016 tool's payloads, as openssl makes them too.
func TestOpenVersion0(t *testing.T) {
	server := kmstest.New(t)
	key, err := hex.DecodeString("80f646f5e603a70d99774db5a946d3bdb210ef131191f1e8272520cf2bb6f310")
	if err != nil {
		t.Fatal(err)
	}
	p := document.Payload{
		IV:         "CrMGgjA1Zhu426IcwlNSMQ==",
		Ciphertext: "odebp9P1p4P0wiQDOW6CcUeHM7DZrLlK3qZO+iCUJB5Yz7ORRPYfHeH+HbJ/dzP6WsX9FhM1g49e3Iv4aol/0Q==",
		Key:        wrap(server, nil, key), KeyRegion: "eu-west-1", Encoding: "utf-8",
	}
	got, err := Open(t.Context(), server.Client("us-east-1"), p, place)
	if want := "DATABASE_PASSWORD=correct horse battery staple, ünïcode"; err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	for n := range 40 {
		text := strings.Repeat("x", n)
		p.Ciphertext = sealCBC(t, key, unbase64(t, p.IV), text)
		if got, err := Open(t.Context(), server.Client("us-east-1"), p, place); err != nil || string(got) != text {
			t.Errorf("%d bytes: %q, %v", n, got, err)
		}
	}
}

func TestOpenRefusesAnAlteredVersion0(t *testing.T) {
	server := kmstest.New(t)
	key, iv := make([]byte, 32), make([]byte, 16)
	whole := document.Payload{
		IV: base64.StdEncoding.EncodeToString(iv), Ciphertext: sealCBC(t, key, iv, plaintext),
		Key: wrap(server, nil, key), KeyRegion: "eu-west-1", Encoding: "utf-8",
	}
	elsewhere := place
	elsewhere.App = "belka"
	refusal(t, "another app", whole, elsewhere, server)
	short := make([]byte, 16)
	for name, alter := range map[string]func(*document.Payload){
		"AES-128": func(p *document.Payload) {
			p.Key, p.Ciphertext = wrap(server, nil, short), sealCBC(t, short, iv, plaintext)
		},
		"padding":          func(p *document.Payload) { p.Ciphertext = flip(t, p.Ciphertext) },
		"cut":              func(p *document.Payload) { p.Ciphertext = "AAAA" },
		"short iv":         func(p *document.Payload) { p.IV = "AAAA" },
		"a context":        func(p *document.Payload) { p.Key = wrap(server, place.encryption(), key) },
		"called version 1": func(p *document.Payload) { p.Version = 1 },
		"zero padding":     func(p *document.Payload) { p.Ciphertext = rawCBC(t, key, iv, make([]byte, 16)) },
		"too much padding": func(p *document.Payload) { p.Ciphertext = rawCBC(t, key, iv, bytes.Repeat([]byte{17}, 32)) },
		"uneven padding":   func(p *document.Payload) { p.Ciphertext = rawCBC(t, key, iv, append(make([]byte, 14), 1, 2)) },
	} {
		p := whole
		alter(&p)
		refusal(t, name, p, place, server)
	}
}

// refusal checks that a payload doesn't open, and that the error says for what and gives nothing away.
func refusal(t *testing.T, name string, p document.Payload, c Context, server *kmstest.Server) {
	t.Helper()
	got, err := Open(t.Context(), server.Client("us-east-1"), p, c)
	if err == nil || got != nil {
		t.Errorf("%s: opened to %q", name, got)
		return
	}
	if !strings.Contains(err.Error(), c.String()) || strings.Contains(err.Error(), "horse") {
		t.Errorf("%s: error %q", name, err)
	}
}

func wrap(server *kmstest.Server, context map[string]string, key []byte) string {
	return base64.StdEncoding.EncodeToString(server.Wrap("eu-west-1", place.Alias(), context, key))
}

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// flip changes the last bit.
func flip(t *testing.T, text string) string {
	data := unbase64(t, text)
	data[len(data)-1] ^= 1
	return base64.StdEncoding.EncodeToString(data)
}

func sealCBC(t *testing.T, key, iv []byte, text string) string {
	n := aes.BlockSize - len(text)%aes.BlockSize
	return rawCBC(t, key, iv, append([]byte(text), bytes.Repeat([]byte{byte(n)}, n)...))
}

func rawCBC(t *testing.T, key, iv, padded []byte) string {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(padded))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, padded)
	return base64.StdEncoding.EncodeToString(out)
}

func TestEachRegionOpensWithItsOwnKey(t *testing.T) {
	server := kmstest.New(t)
	regions := []string{"us-east-1", "eu-west-1", "us-west-2"}
	p, err := Seal(t.Context(), server.Client("us-east-1"), []byte(plaintext), place, regions)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Keys) != 2 || p.KeyRegion != "us-east-1" {
		t.Fatalf("got keys of %s and %v", p.KeyRegion, p.Keys)
	}
	for _, region := range regions[1:] {
		own := p
		own.KeyRegion, own.Key = region, p.Keys[region]
		got, err := Open(t.Context(), server.Client(region), own, place)
		if err != nil || string(got) != plaintext {
			t.Errorf("%s: got %q and %v", region, got, err)
		}
	}
}
