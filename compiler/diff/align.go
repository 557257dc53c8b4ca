package diff

import (
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// gap is a stretch where two lists differ: [oldFrom, oldTo) of the old one stands where [newFrom, newTo) of the new one
// does.
type gap struct{ oldFrom, oldTo, newFrom, newTo int }

// maxWork bounds the product of the two lengths. A larger comparison would take more than a second; its middle is then
// shown as replaced as a whole.
const maxWork = 50_000_000

// align finds what two lists of texts have in common and lists the gaps. A text that only one of them has is a gap for
// sure and kept out of the comparison, whose time grows with the differences.
func align(before, after []string) []gap {
	inOld, inNew := set(before), set(after)
	old, oldAt := spell(before, inOld, inNew)
	now, newAt := spell(after, inOld, inNew)
	at := gap{}
	var gaps []gap
	match := func(i, j int) {
		at.oldTo, at.newTo = i, j
		gaps = appendGap(gaps, at)
		at = gap{i + 1, i + 1, j + 1, j + 1}
	}
	// There are about a million runes. Longer lists count as wholly different instead of being compared wrongly.
	if len(inOld)+firstLetter <= utf8.MaxRune {
		matches(old, now, func(i, j int) { match(oldAt[i], newAt[j]) })
	}
	at.oldTo, at.newTo = len(before), len(after)
	return appendGap(gaps, at)
}

// appendGap leaves out empty gaps.
func appendGap(gaps []gap, g gap) []gap {
	if g.oldFrom == g.oldTo && g.newFrom == g.newTo {
		return gaps
	}
	return append(gaps, g)
}

// set numbers the distinct texts of a list.
func set(texts []string) map[string]int {
	out := map[string]int{}
	for _, text := range texts {
		if _, known := out[text]; !known {
			out[text] = len(out)
		}
	}
	return out
}

// firstLetter begins the letters that stand for texts: past the surrogates, which are no letters.
const firstLetter = 0xE000

// spell encodes a list as runes, one for each text that both lists contain, because the library compares strings of
// runes. At holds the index of each rune in the list.
func spell(texts []string, inOld, inNew map[string]int) (letters []rune, at []int) {
	for i, text := range texts {
		number, ok := inOld[text]
		if _, also := inNew[text]; ok && also {
			letters = append(letters, firstLetter+rune(number))
			at = append(at, i)
		}
	}
	return letters, at
}

// matches visits the pairs of equal positions in order. The common prefix and suffix are matched directly, in linear
// time.
func matches(old, now []rune, found func(i, j int)) {
	shorter := min(len(old), len(now))
	head := 0
	for head < shorter && old[head] == now[head] {
		found(head, head)
		head++
	}
	tail := 0
	for tail < shorter-head && old[len(old)-1-tail] == now[len(now)-1-tail] {
		tail++
	}
	if middle, other := old[head:len(old)-tail], now[head:len(now)-tail]; len(middle)*len(other) <= maxWork {
		common(middle, other, func(i, j int) { found(head+i, head+j) })
	}
	for ; tail > 0; tail-- {
		found(len(old)-tail, len(now)-tail)
	}
}

// common visits what two words share by the library's comparison.
func common(old, now []rune, found func(i, j int)) {
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // a time limit would make the result depend on the machine
	i, j := 0, 0
	for _, d := range dmp.DiffMainRunes(old, now, false) {
		for range utf8.RuneCountInString(d.Text) {
			switch d.Type {
			case diffmatchpatch.DiffDelete:
				i++
			case diffmatchpatch.DiffInsert:
				j++
			case diffmatchpatch.DiffEqual:
				found(i, j)
				i, j = i+1, j+1
			}
		}
	}
}
