// Package resolved holds the resolved value: what an orbit or an app gets in one region, after defaults, the orbit's apps, all
// and the region's own section are merged. spacel eval prints it, and policies and tests are held against it.
//
//	resolved.go    the value, and the place in a manifest of everything in it
//	print.go       the value as CUE, JSON or YAML
package resolved

import (
	"strconv"
	"strings"

	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// Section is the merged section of an orbit or an app in one region, with its name in it.
type Section struct {
	At   report.Pos     // the section's place in the manifest
	Tree *manifest.Tree // an object; fields are sorted by key, and one without a place is a default

	Paths   map[*manifest.Tree]string // of values whose path in the manifest isn't the path around them and their key
	Secrets map[*manifest.Tree]bool   // the scalars that no message may show
}

// Value is what one app gets in one region. App is nil when only the orbit is asked for.
type Value struct {
	Region string
	Orbit  *Section
	App    *Section
}

// Found is a value inside of a section.
type Found struct {
	Value  *manifest.Tree // nil: the section lacks it
	Pos    report.Pos     // of the value; of a default or an absent one, of the nearest written value around it
	Secret bool

	Default bool // nobody wrote the value
}

// Find looks a value up by its keys. The index of a list is a key in decimal. The position's path is that of the manifest:
// all.services.web.image, not services."web.service".image.
func (s *Section) Find(keys []string) Found {
	found := Found{Value: s.Tree, Pos: s.At}
	for _, key := range keys {
		at := manifest.Place{}
		value := (*manifest.Tree)(nil)
		path := report.Member(found.Pos.Path, key)
		if found.Value != nil && found.Value.Kind == manifest.List {
			if i, err := strconv.Atoi(key); err == nil && i < len(found.Value.Items) {
				value = found.Value.Items[i]
				at, path = value.At, report.Index(found.Pos.Path, i)
			}
		} else if f := found.Value.Field(key); f != nil {
			at, value = f.At, f.Value
		}
		if own, ok := s.Paths[value]; ok && value != nil {
			path = own
		}
		// The path goes on after a missing value, so a message can name the field to write.
		found.Value, found.Pos.Path, found.Default = value, path, value != nil && at.File == ""
		// A default has no place. The nearest written value around it keeps standing for it.
		if at.File != "" {
			found.Pos.File, found.Pos.Line, found.Pos.Col = at.File, at.Line, at.Col
		}
	}
	found.Secret = s.Secrets[found.Value]
	return found
}

// Redacted returns the section with a hash in place of every secret.
func (s *Section) Redacted() *manifest.Tree { return s.redact(s.Tree) }

// redact copies a value with its secrets replaced. The section's own tree stays as it is, since policies check the true values.
func (s *Section) redact(t *manifest.Tree) *manifest.Tree {
	if s.Secrets[t] {
		return hidden(t)
	}
	out := *t
	out.Fields, out.Items = nil, nil
	for _, f := range t.Fields {
		f.Value = s.redact(f.Value)
		out.Fields = append(out.Fields, f)
	}
	for _, item := range t.Items {
		out.Items = append(out.Items, s.redact(item))
	}
	return &out
}

// Mask removes the section's secrets from a text, such as the message of a policy.
func (s *Section) Mask(text string) string {
	const shortest = 4 // characters; shorter ones stand in too many words
	for t := range s.Secrets {
		if len(t.Text) >= shortest {
			text = strings.ReplaceAll(text, t.Text, "…")
		}
	}
	return text
}
