package diff

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/pebble/spacel/compiler/assembly"
)

// maxText is the size limit for a comparison line by line, in bytes.
const maxText = 1 << 20

// assetTexts compares the content of assets, if both are texts. So an instance document that was moved to an asset, for
// its size, is reviewed like one inside the template. Digests alone would tell a reviewer nothing.
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

// assetText adds the lines to a parameter's change. An asset has two parameters, bucket and key; the key's change gets
// the lines, once.
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

// isText reports whether a reviewer can read the content.
func isText(body []byte) bool {
	return len(body) <= maxText && utf8.Valid(body) && !bytes.ContainsRune(body, 0)
}

// indented puts each JSON value on a line of its own, so that a line stands for a value. Other texts stay unchanged.
func indented(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") != nil {
		return string(body)
	}
	return out.String() + "\n"
}
