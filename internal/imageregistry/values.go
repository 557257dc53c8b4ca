//go:build boot || docker

package imageregistry

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// OddValues are values that systemd, Docker or a shell would change on the way to a container if one of them was given the value
// unquoted, or in quotes of another one. Each must arrive byte for byte, as a variable and as a word.
var OddValues = map[string]string{
	"PASSWORD":         `s7@o8\p=@us$0!`, // systemd's EnvironmentFile= drops the backslash (systemd issue 8857)
	"QUOTED":           `"INFO,CONSOLE"`,
	"SINGLE":           `'single'`,
	"JSON":             `{"a":"b c","re":"\\d+\n"}`,
	"SPACES":           `  both ends  `,
	"BACKSLASH":        `ends with backslash\`,
	"AFTER_BACKSLASH":  `a #notacomment ;nor this`,
	"dotted.key-name":  "x",
	"SPECIFIERS":       `%n %i %% %h 100%`,
	"DOLLARS":          `$HOME ${HOME} $$ $(id) $`,
	"BACKTICKS":        "`id`",
	"UNICODE":          "äöü ☃ 日本 \U0001f680",
	"EMPTY":            "",
	"SPACE":            " ",
	"EQUALS":           "=a=b=",
	"OPTION":           "--privileged -e X=1",
	"ESCAPES":          `\n \t \x41 \u0041 \\ \' \"`,
	"SHELL":            `a && b || c; d | e > f < g & * ? [a] ~ !`,
	"UNBALANCED":       `it's "half`,
	"TAB":              "a\tb",
	"COMMENT":          `# not a comment`,
	"LONG":             strings.Repeat("0123456789abcdef", 256),
	"REFERENCE":        `{{resolve:ssm:/x}}`,
	"SUBSTITUTION":     `${AWS::Region}`,
	"TRAILING_NEWLINE": `ends with \n`,
}

// OddWords returns the values for words of a command, in the order of their names. A unit's line cannot hold a tab, and a
// reference of CloudFormation is refused in a command.
func OddWords() []string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(OddValues)) {
		if value := OddValues[name]; !strings.Contains(value, "\t") && !strings.Contains(value, "{{") {
			words = append(words, value)
		}
	}
	return words
}

// OddLabels returns the values for labels of a container.
func OddLabels() map[string]string {
	labels := map[string]string{}
	for i, word := range OddWords() {
		labels["label"+strconv.Itoa(i)] = word
	}
	return labels
}
