package jsontext

import "bytes"

// layOut appends compact JSON to out, over several lines, as json.Indent does. The text comes from an encoder, so it is valid and has no
// white space between its tokens. json.Indent looks at each byte with a state machine, which took a sixth of a build's time. This
// function copies strings, which are most of a template, as a whole.
func layOut(out *bytes.Buffer, compact []byte, indent string) {
	depth := 0
	newline := func() {
		out.WriteByte('\n')
		for range depth {
			out.WriteString(indent)
		}
	}
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; c {
		case '"':
			end := stringEnd(compact, i)
			out.Write(compact[i:end])
			i = end - 1
		case '{', '[':
			out.WriteByte(c)
			if closing := compact[i+1]; closing == '}' || closing == ']' { // an empty one stays on its line
				out.WriteByte(closing)
				i++
				continue
			}
			depth++
			newline()
		case '}', ']':
			depth--
			newline()
			out.WriteByte(c)
		case ',':
			out.WriteByte(c)
			newline()
		case ':':
			out.WriteString(": ")
		default:
			out.WriteByte(c)
		}
	}
}

// stringEnd returns the index after the string that begins at start. A quote after an odd number of backslashes is part of the string.
func stringEnd(text []byte, start int) int {
	for i := start + 1; ; i++ {
		i += bytes.IndexByte(text[i:], '"')
		backslashes := 0
		for text[i-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i + 1
		}
	}
}
