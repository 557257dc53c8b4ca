package diff

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/pebble/spacel/compiler/assembly"
)

// maxText is the longest asset that is compared line by line, in bytes.
const maxText = 1 << 20

// assetTexts compares the assets that a parameter turned from one to another, where they are texts: an instance document
// that was too large for its template is reviewed like one that was not.
func (c *comparison) assetTexts(d *Diff) error {
	for i := range d.Stacks {
		ref := assembly.StackRef{Region: d.Stacks[i].Region, Name: d.Stacks[i].Name}
		before, was := c.old.Stack(ref)
		now, is := c.now.Stack(ref)
		if !was || !is {
			continue
		}
		for j := range d.Stacks[i].Parameters {
			change := &d.Stacks[i].Parameters[j]
			if err := c.assetText(change, before, now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *comparison) assetText(change *Change, before, now assembly.Stack) error {
	for name, source := range now.Parameters {
		old := before.Parameters[name].Asset
		if change.Path != name+".source.asset.digest" || old == nil || source.Asset == nil || source.Asset.Part != "key" {
			continue
		}
		left, err := c.old.Asset(old.Digest)
		if err != nil {
			return err
		}
		right, err := c.now.Asset(source.Asset.Digest)
		if err != nil {
			return err
		}
		if isText(left) && isText(right) {
			change.Lines = hunks(indented(left), indented(right))
		}
	}
	return nil
}

func isText(body []byte) bool {
	return len(body) <= maxText && utf8.Valid(body) && !bytes.ContainsRune(body, 0)
}

// indented is JSON with a line per value, other texts as they are.
func indented(body []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") != nil {
		return string(body)
	}
	return out.String() + "\n"
}
