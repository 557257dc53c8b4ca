package agent

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/agent/document"
)

// oddValues are values that systemd and Docker read differently when they are written alike. The second form is systemd's
// (systemd.exec(5), "EnvironmentFile=").
var oddValues = []struct{ name, value, quoted string }{
	{"PLAIN", "a=b,c:d/e@f?g&h", "a=b,c:d/e@f?g&h"},
	{"INNER", "a b #c ;d", "a b #c ;d"},
	{"EMPTY", "", ""},
	{"PASSWORD", `s7@o8\p=@us$0!`, `"s7@o8\\p=@us\$0!"`},
	{"QUOTED", `"INFO,CONSOLE"`, `"\"INFO,CONSOLE\""`},
	{"JSON", `{"a":"b c","re":"\\d+\n"}`, `"{\"a\":\"b c\",\"re\":\"\\\\d+\\n\"}"`},
	{"SPACES", " BLABLA  ", `" BLABLA  "`},
	{"APOS", "it's", `"it's"`},
	{"TICK", "`id`", "`id`"},
	{"TICKS", "'`id`'", "\"'\\`id\\`'\""},
	{"CONT", `ends with backslash\`, `"ends with backslash\\"`},
	{"HASH", "a #notacomment", "a #notacomment"},
	{"TAB", "a\tb", "a\tb"},
}

// The file of a hand-written unit has systemd's form, that of a container Docker's, and each has both beside it.
func TestEnvironmentForms(t *testing.T) {
	var variables []document.Variable
	docker, systemd := "", ""
	for _, v := range oddValues {
		variables = append(variables, document.Variable{Name: v.name, Value: v.value})
		docker += v.name + "=" + v.value + "\n"
		systemd += v.name + "=" + v.quoted + "\n"
	}
	h := newBootEnv(t, document.Document[string]{
		Units: map[string]document.Content{
			"web.service":  {Lines: []string{"[Service]", "ExecStart=/usr/bin/docker run --rm --env-file /files/web.env web:1"}},
			"hand.service": {Lines: []string{"[Service]", "EnvironmentFile=/files/hand.env", "ExecStart=/bin/true"}},
			"run.service":  {Lines: []string{"[Service]", "ExecStart=/usr/bin/docker run --env-file=/files/run.env", ""}},
		},
		Environments: map[string][]document.Variable{"web.env": variables, "hand.env": variables, "run.env": variables},
		Files:        map[string]document.Content{"run.docker.env": {Lines: []string{"MINE=1", ""}}},
	})
	if err := files(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	if err := environments(t.Context(), h.Boot); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"web.env": docker, "web.docker.env": docker, "web.systemd.env": systemd,
		"hand.env": systemd, "hand.docker.env": docker, "hand.systemd.env": systemd,
		"run.env": docker, "run.systemd.env": systemd, "run.docker.env": "MINE=1\n",
	} {
		wantText(t, file, h.text("files/"+file), want)
		h.wantMode("files/"+file, environmentMode)
	}
	if strings.Contains(systemd, "\\\n") {
		t.Error("a line ends in a backslash, which continues it")
	}
}
