package agent

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/crypto/ssh"

	"github.com/pebble/spacel/internal/cloudtest"
)

// laika is an instance of an app.
var laika = Access{Orbit: "production", App: "laika", Region: "us-east-1"}

// peopleEnv is an instance with its people, and the tables that say who they are.
type peopleEnv struct {
	*People
	t     *testing.T
	says  *bytes.Buffer // the log
	calls []string      // programs that were run
	now   time.Time
}

func newPeopleEnv(t *testing.T, access Access) *peopleEnv {
	t.Helper()
	tn := &peopleEnv{t: t, says: &bytes.Buffer{}, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	config := cloudtest.Config(t, cloudtest.Moto(t), access.Region)
	tn.People = &People{
		Access:  access,
		Tables:  dynamodb.NewFromConfig(config),
		Machine: Machine{Root: t.TempDir(), Run: tn.run},
		Log:     slog.New(slog.NewTextHandler(tn.says, nil)),
		Now:     func() time.Time { return tn.now },
	}
	for _, name := range []string{"users", "services"} {
		tn.table(name)
	}
	tn.write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nadmin:x:1000:1000:Debian:/home/admin:/bin/bash\n")
	tn.write("/etc/group", "root:x:0:\nadmin:x:1000:\ndocker:x:103:\n"+peopleGroup+":x:999:\n")
	return tn
}

func (tn *peopleEnv) table(name string) {
	tn.t.Helper()
	cloudtest.MakeTable(tn.t, tn.Tables, "production-"+name, "name")
}

// put writes an item with a set, in place of one of that name.
func (tn *peopleEnv) put(table, name, attribute string, values ...string) {
	tn.t.Helper()
	all := item{"name": &types.AttributeValueMemberS{Value: name}}
	if len(values) > 0 {
		all[attribute] = &types.AttributeValueMemberSS{Value: values}
	}
	_, err := tn.Tables.PutItem(tn.t.Context(), &dynamodb.PutItemInput{TableName: aws.String("production-" + table), Item: all})
	if err != nil {
		tn.t.Fatal(err)
	}
}

func (tn *peopleEnv) service(name string, admins ...string) {
	tn.put("services", name, "admins", admins...)
}
func (tn *peopleEnv) user(name string, keys ...string) { tn.put("users", name, "keys", keys...) }

// outage is DynamoDB not answering any more.
func (tn *peopleEnv) outage() {
	tn.Tables = dynamodb.New(tn.Tables.Options(), func(o *dynamodb.Options) {
		o.BaseEndpoint = aws.String("http://127.0.0.1:1")
		o.Retryer = aws.NopRetryer{}
	})
}

func (tn *peopleEnv) path(name string) string { return filepath.Join(tn.Machine.Root, name) }

func (tn *peopleEnv) write(name, text string) {
	tn.t.Helper()
	if err := os.MkdirAll(filepath.Dir(tn.path(name)), 0o755); err != nil {
		tn.t.Fatal(err)
	}
	if err := os.WriteFile(tn.path(name), []byte(text), 0o644); err != nil {
		tn.t.Fatal(err)
	}
}

func (tn *peopleEnv) read(name string) string {
	tn.t.Helper()
	body, err := os.ReadFile(tn.path(name))
	if err != nil {
		tn.t.Fatal(err)
	}
	return string(body)
}

// run stands for the system's programs: useradd and userdel change the files that they change on a Debian.
func (tn *peopleEnv) run(_ context.Context, program string, args ...string) (string, error) {
	tn.calls = append(tn.calls, program+" "+strings.Join(args, " "))
	name := args[len(args)-1]
	switch program {
	case "useradd":
		return tn.useradd(name)
	case "userdel":
		tn.filter("/etc/passwd", name+":")
		tn.filter("/etc/group", name+":")
		group := strings.Replace(tn.read("/etc/group"), name+",", "", 1)
		tn.write("/etc/group", group)
	case "loginctl":
		return "", errors.New("loginctl: exit status 1: Failed to get user: User ID is not logged in or lingering")
	}
	return "", nil
}

func (tn *peopleEnv) useradd(name string) (string, error) {
	if strings.Contains(tn.read("/etc/passwd"), "\n"+name+":") {
		return "", errors.New("useradd: exit status 9: user " + name + " already exists")
	}
	uid := 1001 + len(tn.locals())
	tn.write("/etc/passwd", tn.read("/etc/passwd")+fmt.Sprintf("%s:x:%d:%d::/home/%s:/bin/bash\n", name, uid, uid, name))
	group := strings.Replace(tn.read("/etc/group"), peopleGroup+":x:999:", peopleGroup+":x:999:"+name+",", 1)
	tn.write("/etc/group", group+fmt.Sprintf("%s:x:%d:\n", name, uid))
	tn.write("/home/"+name+"/.bashrc", "")
	return "", nil
}

func (tn *peopleEnv) filter(file, prefix string) {
	lines := slices.DeleteFunc(slices.Collect(strings.Lines(tn.read(file))), func(l string) bool { return strings.HasPrefix(l, prefix) })
	tn.write(file, strings.Join(lines, ""))
}

// locals are the users of the machine but root and Debian's own.
func (tn *peopleEnv) locals() []string {
	var names []string
	for line := range strings.Lines(tn.read("/etc/passwd")) {
		if name, _, _ := strings.Cut(line, ":"); name != "root" && name != "admin" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (tn *peopleEnv) sync() {
	tn.t.Helper()
	if err := tn.Sync(tn.t.Context()); err != nil {
		tn.t.Fatal(err)
	}
}

func (tn *peopleEnv) wantLocals(names ...string) {
	tn.t.Helper()
	if got := tn.locals(); !slices.Equal(got, names) {
		tn.t.Errorf("the machine has the users %v, want %v; it says\n%s", got, names, tn.says)
	}
}

// wantKeys holds what sshd is told of a user.
func (tn *peopleEnv) wantKeys(user string, keys ...string) {
	tn.t.Helper()
	got, err := tn.AuthorizedKeys(tn.t.Context(), user)
	if err != nil {
		tn.t.Fatal(err)
	}
	if slices.Sort(keys); !slices.Equal(got, keys) {
		tn.t.Errorf("%s may log in with %q, want %q; it says\n%s", user, got, keys, tn.says)
	}
}

func (tn *peopleEnv) wantSaid(text string) {
	tn.t.Helper()
	if !strings.Contains(tn.says.String(), text) {
		tn.t.Errorf("nothing of %q in\n%s", text, tn.says)
	}
}

// newKey is the line of a new key.
func newKey(t *testing.T, comment string) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return keyLine(t, public, comment)
}

func keyLine(t *testing.T, public any, comment string) string {
	t.Helper()
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + comment
}

func TestAdminsAndOperatorsLogIn(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	ada, bob, eve := newKey(t, "ada"), newKey(t, "bob"), newKey(t, "eve")
	tn.service("laika", "ada")
	tn.service("SPACE_ELEVATOR_OPERATORS", "bob", "nobody.yet")
	tn.service("belka", "eve")
	tn.user("ada", ada)
	tn.user("bob", bob, ada)
	tn.user("eve", eve)
	tn.sync()
	tn.wantLocals("ada", "bob")
	tn.wantKeys("ada", ada)
	tn.wantKeys("bob", bob, ada)
	tn.wantKeys("eve")
	tn.wantKeys("admin")
}

func TestEveryAdminPassesABastion(t *testing.T) {
	tn := newPeopleEnv(t, Access{Orbit: "production", Region: "us-east-1", Bastion: true})
	ada, eve := newKey(t, "ada"), newKey(t, "eve")
	tn.service("laika", "ada")
	tn.service("belka", "eve")
	tn.user("ada", ada)
	tn.user("eve", eve)
	tn.user("mallory", newKey(t, "mallory"))
	tn.sync()
	tn.wantLocals("ada", "eve")
	tn.wantKeys("eve", eve)
	tn.wantKeys("mallory")
}

// More people than one request of DynamoDB takes.
func TestManyAdmins(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	key := newKey(t, "shared")
	var names []string
	for i := range 103 {
		names = append(names, fmt.Sprintf("user%03d", i))
		tn.user(names[i], key)
	}
	tn.service("laika", names...)
	tn.sync()
	tn.wantLocals(names...)
}

func TestRevokedAtOnce(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	ada := newKey(t, "ada")
	tn.service("laika", "ada", "bob")
	tn.user("ada", ada)
	tn.user("bob", newKey(t, "bob"))
	tn.sync()
	tn.wantKeys("ada", ada)

	tn.service("laika", "bob")
	tn.wantKeys("ada")
	tn.calls = nil
	tn.sync()
	tn.wantLocals("bob")
	if want := []string{"loginctl kill-user --signal=SIGKILL ada", "userdel ada"}; !slices.Equal(tn.calls, want) {
		t.Errorf("ran %q, want %q", tn.calls, want)
	}
	tn.outage()
	tn.wantKeys("ada")
}

// The next user may get the uid of one who went.
func TestHomesOfRemovedUsersAreRoots(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	tn.service("laika", "ada")
	tn.user("ada")
	tn.sync()
	tn.write("/home/ada/notes", "mine")
	tn.service("laika")
	tn.sync()
	aside := fmt.Sprintf("/home/.removed-ada-%d", tn.now.Unix())
	info, err := os.Stat(tn.path(aside))
	if err != nil || info.Mode().Perm() != 0o700 || tn.read(aside+"/notes") != "mine" {
		t.Errorf("%v, %v", info, err)
	}
	tn.service("laika", "ada")
	tn.sync()
	if _, err := os.Stat(tn.path("/home/ada/notes")); err == nil {
		t.Error("a new user has an old home")
	}
}

func TestLastKeyRemovedKeepsTheUser(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	tn.service("laika", "ada")
	tn.user("ada", newKey(t, "ada"))
	tn.sync()
	tn.user("ada")
	tn.sync()
	tn.wantLocals("ada")
	tn.wantKeys("ada")
}

func TestOutageIsBridgedForAWhile(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	ada := newKey(t, "ada")
	tn.service("laika", "ada", "bob")
	tn.user("ada", ada)
	tn.user("bob", newKey(t, "bob"))
	tn.sync()
	tn.user("bob")
	tn.sync()

	answering := tn.Tables
	tn.outage()
	tn.now = tn.now.Add(CacheLimit)
	tn.wantKeys("ada", ada)
	tn.wantKeys("bob")
	tn.wantKeys("eve")
	tn.wantSaid("DynamoDB did not answer: using the keys of the last synchronisation")
	if err := tn.Sync(t.Context()); err == nil {
		t.Error("a synchronisation without an answer says it succeeded")
	}
	tn.wantLocals("ada", "bob")

	tn.now = tn.now.Add(time.Second)
	if keys, err := tn.AuthorizedKeys(t.Context(), "ada"); err == nil || len(keys) > 0 {
		t.Errorf("after %s: %v, %v", CacheLimit, keys, err)
	}

	tn.Tables = answering
	tn.wantKeys("ada", ada)
}

// A fresh answer needs no cache, and an outage without one lets nobody in.
func TestNothingSeenYet(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	ada := newKey(t, "ada")
	tn.service("laika", "ada")
	tn.user("ada", ada)
	tn.wantKeys("ada", ada)
	tn.outage()
	if keys, err := tn.AuthorizedKeys(t.Context(), "ada"); err == nil || len(keys) > 0 {
		t.Errorf("%v, %v", keys, err)
	}
}

// sshd asks as a user who may read what was last seen, and must not be able to change it.
func TestCacheIsRootsToWrite(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	tn.service("laika", "ada")
	tn.user("ada", newKey(t, "ada"))
	tn.sync()
	for name, want := range map[string]os.FileMode{peoplePath: 0o644, filepath.Dir(peoplePath): 0o755} {
		info, err := os.Stat(tn.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has the mode %o, want %o", name, got, want)
		}
	}
}

func TestBadKeysAreLeftOut(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tn := newPeopleEnv(t, laika)
	good := newKey(t, "good")
	tn.service("laika", "ada")
	tn.user("ada", good, `command="/bin/sh" `+newKey(t, "options"), keyLine(t, &small.PublicKey, "small"), "garbage",
		newKey(t, "two")+"\n"+newKey(t, "keys"))
	tn.wantKeys("ada", good)
	if n := strings.Count(tn.says.String(), "a key may not be used"); n != 4 {
		t.Errorf("%d keys are said to be bad, want 4:\n%s", n, tn.says)
	}
}

func TestNamesThatNoUserCanHave(t *testing.T) {
	for _, name := range []string{"Ada", "-rf", "a b", "ada:0", "../etc", "", "1a", strings.Repeat("a", 33), "ada\n", "@all"} {
		t.Run(name, func(t *testing.T) {
			tn := newPeopleEnv(t, laika)
			if name != "" {
				tn.service("laika", name)
				tn.user(name, newKey(t, "x"))
				tn.sync()
				tn.wantSaid("cannot have a user here")
			}
			tn.wantLocals()
			if keys, err := tn.AuthorizedKeys(t.Context(), name); err == nil || len(keys) > 0 {
				t.Errorf("%q, %v", keys, err)
			}
		})
	}
}

// Who has the name of a user or a group of the system gets none of it, and those users stay as they are.
func TestForeignUsersAreLeftAlone(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	tn.write("/etc/passwd", tn.read("/etc/passwd")+"service:x:110:110::/:/bin/false\neve:x:1500:1500::/home/eve:/bin/bash\n")
	// A user of the system that somebody put into our group is still the system's.
	tn.write("/etc/group", strings.Replace(tn.read("/etc/group"), ":999:", ":999:service,gone", 1))
	tn.service("laika", "admin", "root", "docker", "ada")
	for _, name := range []string{"admin", "root", "docker", "ada"} {
		tn.user(name, newKey(t, name))
	}
	tn.sync()
	tn.wantLocals("ada", "eve", "service")
	if n := strings.Count(tn.says.String(), "cannot have a user here"); n != 3 {
		t.Errorf("%d names are refused, want 3:\n%s", n, tn.says)
	}
	tn.says.Reset()
	tn.sync()
	if tn.says.Len() > 0 {
		t.Errorf("what was said is said again:\n%s", tn.says)
	}
	tn.service("laika")
	tn.sync()
	tn.wantLocals("eve", "service")
	tn.outage()
	tn.wantKeys("root")
}

// One user that cannot be made keeps nobody else out.
func TestAFailureKeepsNobodyElseOut(t *testing.T) {
	tn := newPeopleEnv(t, laika)
	tn.service("laika", "ada", "bob")
	tn.user("ada")
	tn.user("bob")
	run := tn.Machine.Run
	tn.Machine.Run = func(ctx context.Context, program string, args ...string) (string, error) {
		if args[len(args)-1] == "ada" {
			return "", errors.New("useradd: exit status 1: cannot lock /etc/passwd; try again later.")
		}
		return run(ctx, program, args...)
	}
	if err := tn.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "make the user ada") ||
		!strings.Contains(err.Error(), "cannot lock") {
		t.Errorf("got %v", err)
	}
	tn.wantLocals("bob")
	tn.Machine.Run = run
	tn.sync()
	tn.wantLocals("ada", "bob")
}
