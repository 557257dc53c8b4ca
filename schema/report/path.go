package report

import (
	"regexp"
	"strconv"
	"strings"
)

// plainKey matches a key that needs no quotes in a path.
var plainKey = regexp.MustCompile(`^[\pL\pN_-]+$`)

// Member returns the path of a key in the object at path: all.caches, services."laika.service".
func Member(path, key string) string {
	if !plainKey.MatchString(key) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// Keys returns the keys of a path, without the quotes that Member added. An index stays with its key.
func (p Pos) Keys() []string {
	var keys []string
	for rest := p.Path; rest != ""; {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			key, after, _ := strings.Cut(rest, ".")
			keys, rest = append(keys, key), after
			continue
		}
		key, _ := strconv.Unquote(quoted) // a quoted prefix is one
		keys, rest = append(keys, key), strings.TrimPrefix(rest[len(quoted):], ".")
	}
	return keys
}

// Index returns the path of an item in the list at path: regions[0].
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
