// Package content reads the values of a checked manifest that reach an instance: texts of files and units, variables, encrypted
// payloads, and references that the instance looks up.
//
//	text.go        the text of a file or a unit, and payloads
//	variable.go    a variable of an environment
//	reference.go   {from: "KIND:NAME"}
//	lookalikes.go  text that looks like a reference and is not one
package content

import (
	"encoding/base64"
	"strings"

	"github.com/pebble/spacel/schema/language"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/sections"
)

// Text is the content of a file or a unit. It is plain text, raw bytes, an encrypted payload, or of a file a reference. Only the
// instance can decrypt a payload or look up a reference.
type Text struct {
	sections.Node
	Body    []byte // when Payload and From are nil
	Payload *Payload
	From    *Reference
}

// Payload is an encrypted value from `spacel secret`. Version 0 is the format of the 2016 tool, AES-CBC.
type Payload struct {
	Version    int
	IV         string // base64, like Key and Ciphertext
	Key        string
	Ciphertext string
	KeyRegion  string
	Encoding   string // utf-8 or bytes
}

// Reader reads texts, variables, payloads and references in one region.
type Reader struct {
	Facts  *language.Facts
	Report *report.Report
	Region string
}

// payloadFields lists the fields that every encrypted payload has.
var payloadFields = []string{"iv", "key", "ciphertext", "key_region", "encoding"}

// LooksEncrypted reports whether a value is meant to be an encrypted payload, complete or not. Refused fields
// count, too.
func LooksEncrypted(t *manifest.Tree) bool {
	has := func(key string) bool { return t.Lookup(key) != nil || t.Reported[key] }
	return t.Kind == manifest.Object && (has("ciphertext") || has("iv"))
}

// Text reads the content of a file or unit: a string, {body} in base64, or an encrypted payload.
func (c Reader) Text(n sections.Value) Text {
	t := Text{Node: sections.NewNode(n.Pos(), nil)}
	if n.Tree.Kind == manifest.Text {
		t.Body = []byte(n.Tree.Text)
		c.textLookalike(n.Pos(), n.Tree.Text)
		return t
	}
	body, from := n.Tree.Lookup("body"), n.Tree.Lookup("from")
	switch {
	case from != nil && (body != nil || LooksEncrypted(n.Tree)):
		c.Report.Errorf(n.Pos(), "must have one of from, a body and an encrypted payload")
	case from != nil:
		t.From = c.Reference(n)
	case LooksEncrypted(n.Tree) && body != nil:
		c.Report.Errorf(n.Pos(), "must have a body or an encrypted payload, not both")
	case LooksEncrypted(n.Tree):
		t.Payload = c.Payload(n)
	case body != nil:
		var err error
		// Tools write base64 in lines. Line breaks and spaces between them are dropped.
		t.Body, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body.Text), ""))
		if err != nil {
			c.Report.Errorf(n.Tree.Field("body").At.Pos(report.Member(n.Path, "body")), "is not base64")
			t.Body = nil
		}
	case !n.Tree.Reported["body"] && !n.Tree.Reported["from"]:
		c.Report.Errorf(n.Pos(), "must be text, {body} in base64, or an encrypted payload with %s", strings.Join(payloadFields, ", "))
	}
	return t
}

// Payload reads an encrypted payload and checks that no field is missing. Only the instance can decrypt it, so a
// broken one would be noticed at boot, and not before.
func (c Reader) Payload(n sections.Value) *Payload {
	r := n.Record(c.Report, nil)
	for _, field := range payloadFields {
		if !r.Has(field) && !r.Unknown(field) {
			r.Errorf(field, "is missing from the encrypted payload")
		}
	}
	for _, field := range []string{"iv", "key", "ciphertext"} {
		if _, err := base64.StdEncoding.DecodeString(r.Text(field)); err != nil {
			r.Errorf(field, "is not base64")
		}
	}
	if r.Has("key_region") {
		c.Facts.CheckRegion(c.Report, r.Text("key_region"), r.PosOf("key_region"))
	}
	if r.Number("version") == 0 {
		r.Report.Warnf(r.At, "is encrypted by the 2016 tool (AES-CBC): encrypt it again with spacel secret")
	}
	payload := &Payload{
		Version: r.Number("version"), IV: r.Text("iv"), Key: r.Text("key"), Ciphertext: r.Text("ciphertext"),
		KeyRegion: r.Text("key_region"), Encoding: r.Text("encoding"),
	}
	c.ownKey(r, payload)
	return payload
}

// ownKey selects the data key encrypted with this region's KMS key, if the payload has one. A region then
// needs no other region's KMS to boot.
func (c Reader) ownKey(r sections.Record, p *Payload) {
	keys, ok := r.Fields["keys"]
	if !ok {
		return
	}
	for _, e := range keys.Entries() {
		c.Facts.CheckRegion(c.Report, e.Key, e.Pos())
		if _, err := base64.StdEncoding.DecodeString(e.Tree.Text); err != nil {
			c.Report.Errorf(e.Pos(), "is not base64")
		}
		if e.Key == c.Region {
			p.KeyRegion, p.Key = e.Key, e.Tree.Text
		}
	}
}
