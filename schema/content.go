package schema

import (
	"encoding/base64"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// payloadFields lists the fields that every encrypted payload has.
var payloadFields = []string{"iv", "key", "ciphertext", "key_region", "encoding"}

// looksEncrypted reports whether a value is meant to be an encrypted payload, complete or not. Refused fields
// count, too.
func looksEncrypted(t *manifest.Tree) bool {
	has := func(key string) bool { return t.Lookup(key) != nil || t.Reported[key] }
	return t.Kind == manifest.Object && (has("ciphertext") || has("iv"))
}

// content reads the text of a file or unit: a string, {body} in base64, or an encrypted payload.
func (c appScope) content(n node) Text {
	t := Text{Node: NewNode(n.pos(), nil)}
	if n.value.Kind == manifest.Text {
		t.Body = []byte(n.value.Text)
		c.textLookalike(n.pos(), n.value.Text)
		return t
	}
	body, from := n.value.Lookup("body"), n.value.Lookup("from")
	switch {
	case from != nil && (body != nil || looksEncrypted(n.value)):
		c.report.Errorf(n.pos(), "must have one of from, a body and an encrypted payload")
	case from != nil:
		t.From = c.reference(n)
	case looksEncrypted(n.value) && body != nil:
		c.report.Errorf(n.pos(), "must have a body or an encrypted payload, not both")
	case looksEncrypted(n.value):
		t.Payload = c.payload(n)
	case body != nil:
		var err error
		// Tools write base64 in lines. Line breaks and spaces between them are dropped.
		t.Body, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body.Text), ""))
		if err != nil {
			c.report.Errorf(n.value.Field("body").At.Pos(report.Member(n.path, "body")), "is not base64")
			t.Body = nil
		}
	case !n.value.Reported["body"] && !n.value.Reported["from"]:
		c.report.Errorf(n.pos(), "must be text, {body} in base64, or an encrypted payload with %s", strings.Join(payloadFields, ", "))
	}
	return t
}

// payload reads an encrypted payload and checks that no field is missing. Only the instance can decrypt it, so a
// broken one would be noticed at boot, and not before.
func (c appScope) payload(n node) *Payload {
	r := n.record(c.report, nil)
	for _, field := range payloadFields {
		if !r.has(field) && !r.unknown(field) {
			r.errorf(field, "is missing from the encrypted payload")
		}
	}
	for _, field := range []string{"iv", "key", "ciphertext"} {
		if _, err := base64.StdEncoding.DecodeString(r.text(field)); err != nil {
			r.errorf(field, "is not base64")
		}
	}
	if r.has("key_region") {
		knownRegion(c.facts, c.report, r.text("key_region"), r.posOf("key_region"))
	}
	if r.number("version") == 0 {
		r.report.Warnf(r.at, "is encrypted by the 2016 tool (AES-CBC): encrypt it again with spacel secret")
	}
	payload := &Payload{
		Version: r.number("version"), IV: r.text("iv"), Key: r.text("key"), Ciphertext: r.text("ciphertext"),
		KeyRegion: r.text("key_region"), Encoding: r.text("encoding"),
	}
	c.ownKey(r, payload)
	return payload
}

// ownKey selects the data key encrypted with this region's KMS key, if the payload has one. A region then
// needs no other region's KMS to boot.
func (c appScope) ownKey(r record, p *Payload) {
	keys, ok := r.fields["keys"]
	if !ok {
		return
	}
	for _, e := range keys.entries() {
		knownRegion(c.facts, c.report, e.key, e.pos())
		if _, err := base64.StdEncoding.DecodeString(e.value.Text); err != nil {
			c.report.Errorf(e.pos(), "is not base64")
		}
		if e.key == c.region.Region {
			p.KeyRegion, p.Key = e.key, e.value.Text
		}
	}
}
