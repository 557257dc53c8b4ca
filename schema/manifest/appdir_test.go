package manifest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pebble/spacel/schema/report"
)

// project writes the files of an archive to a new directory and goes there. Of two files of a name the second stays.
func project(t *testing.T, archive string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const laika = `
-- .space/app.yaml --
name: laika
all:
  services:
    laika:
      image: pebbletech/spacel-laika
      ports: {"80": 8080}
      environment: {A: manifest, B: manifest}
us-west-2:
  instance_max: 9
  services:
    other.service: {image: other}
sa-east-1: {services: {laika: {}}}
`

func TestAppDirUnit(t *testing.T) {
	project(t, laika+`
-- .space/laika.service --
[Service]
-- .space/clock.timer --
[Timer]
-- .space/us-west-2/other.service --
-- .space/eu-west-1/laika.service --
[Service] # eu
`)
	same(t, readAt(t, "."), `
.space/app.yaml:1:7 name "laika"
.space/laika.service all.services.laika.unit_file "[Service]\n"
.space/app.yaml:7:24 all.services.laika.environment.A "manifest"
.space/app.yaml:7:37 all.services.laika.environment.B "manifest"
.space/clock.timer all.services."clock.timer".unit_file "[Timer]\n"
.space/app.yaml:9:17 us-west-2.instance_max 9
.space/us-west-2/other.service us-west-2.services."other.service" null
.space/app.yaml:12:31 sa-east-1.services.laika {}
.space/eu-west-1/laika.service eu-west-1.services.laika.unit_file "[Service] # eu\n"
.space/app.yaml:7:24 eu-west-1.services.laika.environment.A "manifest"
.space/app.yaml:7:37 eu-west-1.services.laika.environment.B "manifest"
.space/laika.service: note: runs in place of the image at .space/app.yaml:5:14; the environment there stays
`)
}

func TestAppDirEnvironment(t *testing.T) {
	project(t, laika+`
-- .space/laika.env --
# comment
B=global "as it is" # not a comment

  C={"iv":"aXY=","key":"a2V5","ciphertext":"Y2lwaGVy"}
D=
-- .space/shared.env --
any thing
-- .space/us-west-2/laika.env --
B=west
-- .space/us-west-2/other.env --
X=1
-- .space/eu-west-1/other.env --
Y=2
`)
	same(t, strings.ReplaceAll(readAt(t, "."), ".space/", ""), `
app.yaml:1:7 name "laika"
app.yaml:5:14 all.services.laika.image "pebbletech/spacel-laika"
app.yaml:6:21 all.services.laika.ports.80 8080
app.yaml:7:24 all.services.laika.environment.A "manifest"
laika.env:2:3 all.services.laika.environment.B "global \"as it is\" # not a comment"
laika.env:4:11 all.services.laika.environment.C.iv "aXY="
laika.env:4:24 all.services.laika.environment.C.key "a2V5"
laika.env:4:44 all.services.laika.environment.C.ciphertext "Y2lwaGVy"
laika.env:5:3 all.services.laika.environment.D ""
shared.env all.files."shared.env" "any thing\n"
app.yaml:9:17 us-west-2.instance_max 9
app.yaml:11:28 us-west-2.services."other.service".image "other"
us-west-2/other.env:1:3 us-west-2.services."other.service".environment.X "1"
app.yaml:5:14 us-west-2.services.laika.image "pebbletech/spacel-laika"
app.yaml:6:21 us-west-2.services.laika.ports.80 8080
app.yaml:7:24 us-west-2.services.laika.environment.A "manifest"
us-west-2/laika.env:1:3 us-west-2.services.laika.environment.B "west"
laika.env:4:11 us-west-2.services.laika.environment.C.iv "aXY="
laika.env:4:24 us-west-2.services.laika.environment.C.key "a2V5"
laika.env:4:44 us-west-2.services.laika.environment.C.ciphertext "Y2lwaGVy"
laika.env:5:3 us-west-2.services.laika.environment.D ""
app.yaml:12:31 sa-east-1.services.laika {}
eu-west-1/other.env eu-west-1.files."other.env" "Y=2\n"
`)
}

func TestAppDirRegionManifest(t *testing.T) {
	project(t, laika+`
-- .space/us-west-2/app.json --
{"instance_max": null, "instance_min": 3,
 "services": {"other": {"image": "newer"}, "laika": null}}
-- .space/laika.env --
A=global
`)
	same(t, strings.ReplaceAll(readAt(t, "."), ".space/", ""), `
app.yaml:1:7 name "laika"
app.yaml:5:14 all.services.laika.image "pebbletech/spacel-laika"
app.yaml:6:21 all.services.laika.ports.80 8080
laika.env:1:3 all.services.laika.environment.A "global"
app.yaml:7:37 all.services.laika.environment.B "manifest"
app.yaml:9:17 us-west-2.instance_max 9
us-west-2/app.json:2:34 us-west-2.services."other.service".image "newer"
us-west-2/app.json:2:53 us-west-2.services.laika null
us-west-2/app.json:1:40 us-west-2.instance_min 3
app.yaml:12:31 sa-east-1.services.laika {}
`)
}

func TestAppDirFiles(t *testing.T) {
	payload := `{"iv":"aXY=","key":"a2V5","ciphertext":"Y2lwaGVy"}`
	project(t, `
-- .space/app.cue --
name: "laika"
all: files: motd: "hello"
-- .space/motd --
from the file
-- .space/.dockercfg --
{}
-- .space/.gitignore --
*.swp
-- .space/motd~ --
old
-- .space/.git/config --
x
-- .space/key.pem.crypt --
`+payload+`
-- .space/web.service.crypt --
`+payload+`
-- .space/web.env.crypt --
`+payload+`
-- .space/ap-south-1/motd --
-- .space/ap-south-1/key.pem --
plain
`)
	if err := os.WriteFile(".space/logo", []byte{0xff, 0, 1}, 0o600); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(readAt(t, ".space"), ".space/", "")
	got = strings.Join(dropped(strings.Split(got, "\n"), ".iv ", ".key "), "\n")
	same(t, got, `
app.cue:1:7 name "laika"
motd all.files.motd "from the file\n"
.dockercfg all.files.".dockercfg" "{}\n"
key.pem.crypt:1:40 all.files."key.pem".ciphertext "Y2lwaGVy"
logo all.files.logo.body "/wAB"
web.env.crypt:1:40 all.files."web.env".ciphertext "Y2lwaGVy"
web.service.crypt:1:40 all.services."web.service".unit_file.ciphertext "Y2lwaGVy"
ap-south-1/key.pem ap-south-1.files."key.pem" "plain\n"
ap-south-1/motd ap-south-1.files.motd ""
`)
}

// dropped leaves out the lines that have one of the words.
func dropped(lines []string, words ...string) (rest []string) {
	for _, line := range lines {
		has := false
		for _, word := range words {
			has = has || strings.Contains(line, word)
		}
		if !has {
			rest = append(rest, line)
		}
	}
	return rest
}

func TestAppDirMistakes(t *testing.T) {
	const named = "-- .space/app.json --\n{\"name\": \"laika\"}\n"
	payload := `{"iv":"aXY=","key":"a2V5","ciphertext":"Y2lwaGVy"}`
	for _, c := range []struct{ files, want string }{
		{"-- .space/x.service --\n[Service]\n",
			".space: has no app.json, app.yaml or app.cue, which gives the app its name"},
		{named + "-- .space/app.yml --\nname: laika\n",
			".space: app.json and app.yml: only one of them can be the manifest"},
		{named + "-- .space/us-wets-2/x --\nx\n",
			".space/us-wets-2: is not a region of AWS; did you mean us-west-2?"},
		{named + "-- .space/docs/x --\nx\n",
			".space/docs: is not a region of AWS, and only the directories of regions are read"},
		{named + "-- .space/us-west-2/sub/x --\nx\n",
			".space/us-west-2/sub: is inside a region's directory: only files directly in .space/us-west-2 are read"},
		{named + "-- .space/x.service --\n\n",
			".space/x.service: is empty; remove it, or move it into a region's directory to leave the unit out there"},
		{named + "-- .space/x.crypt --\nhunter2\n",
			".space/x.crypt: is not an encrypted payload (an object with iv, key and ciphertext); make one with spacel secret, " +
				"or, if it is no secret, remove .crypt from the name"},
		{named + "-- .space/x.crypt --\n" + payload + "\n-- .space/x --\nplain\n",
			".space/x: exists twice, encrypted and in plain text; remove one of them"},
		{named + "-- .space/.env --\nA=1\n",
			".space/.env: name it after the unit it is for, such as laika.env for laika.service"},
		{named + "-- .space/x.service --\n[Service]\n-- .space/x.env --\nA=1\n B\nexport C=1\nD =1\nA=2\n=\n",
			`.space/x.env:2:2: must be KEY=value
.space/x.env:3:1: must be KEY=value; leave out export
.space/x.env:4:1: must be KEY=value; leave out the space before =
.space/x.env:5:1: A: duplicate key; the first is at .space/x.env:1:1
.space/x.env:6:1: must be KEY=value`},
		{laika + "-- .space/us-west-2/laika.service --\n-- .space/us-west-2/laika.env --\nA=1\n",
			".space/us-west-2/laika.env: laika.service is left out in us-west-2, so its environment has no effect"},
		{laika + "-- .space/eu-west-1/app.json --\n{\"services\": {\"laika.service\": {}}}\n-- .space/eu-west-1/laika.env --\nA=1\n",
			".space/eu-west-1/laika.env: laika.service is left out in eu-west-1, so its environment has no effect"},
		{laika + "-- .space/laika.env.crypt --\n" + payload,
			".space/laika.env.crypt:1:1: cannot be merged with the environment of laika.service, as only the instance can read " +
				"it; encrypt the values that are secret one by one"},
		{"-- .space/app.json --\n{\"name\": }\n-- .space/us-wets-2/x --\nx\n",
			`.space/app.json:1:10: invalid JSON: invalid character '}' looking for beginning of value
.space/us-wets-2: is not a region of AWS; did you mean us-west-2?`},
	} {
		project(t, c.files)
		var r report.Report
		if _, err := readManifest(".", nil, &r); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, p := range r.Problems() {
			fmt.Fprintln(&got, p)
		}
		same(t, got.String(), c.want)
	}
}

func TestAppDirLinks(t *testing.T) {
	project(t, "-- secret --\nx\n-- .space/app.json --\n{\"name\": \"laika\"}\n-- .space/us-east-1/motd --\nhello\n")
	for link, to := range map[string]string{
		".space/out": "../secret", ".space/away": "/etc/passwd", ".space/gone": "nowhere", ".space/round": "round",
		".space/us-west-2": "us-east-1", ".space/bonjour": "us-east-1/motd", ".space/ap-south-1": "../",
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Skip(err)
		}
	}
	var r report.Report
	if _, err := readManifest(".", nil, &r); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range r.Problems() {
		file, _, _ := strings.Cut(p.String(), ": ")
		got = append(got, file)
	}
	same(t, strings.Join(got, " "), ".space/ap-south-1 .space/away .space/gone .space/out .space/round")
	for _, link := range []string{"out", "away", "gone", "round", "ap-south-1"} {
		if err := os.Remove(filepath.Join(".space", link)); err != nil {
			t.Fatal(err)
		}
	}
	same(t, readAt(t, "."), `
.space/app.json:1:10 name "laika"
.space/us-east-1/motd us-east-1.files.motd "hello\n"
.space/us-west-2/motd us-west-2.files.motd "hello\n"
.space/bonjour all.files.bonjour "hello\n"`)
}

func TestNoSpace(t *testing.T) {
	project(t, "-- app.cue --\nname: \"laika\"\n")
	var r report.Report
	_, err := readManifest(".", nil, &r)
	if want := ".: no .cue file in it has a package clause; name a file, such as app.cue"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAppDirTooLarge(t *testing.T) {
	project(t, "-- .space/app.json --\n{\"name\": \"laika\"}\n")
	for i := range 17 {
		if err := os.WriteFile(fmt.Sprintf(".space/%02d", i), bytes.Repeat([]byte("x"), maxData), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	same(t, readAt(t, "."), ".space: larger than 16 MiB in all")
}
