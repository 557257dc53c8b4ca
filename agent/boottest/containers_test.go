//go:build boot

package boottest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/imageregistry"
)

// The registries of the case container, which /etc/hosts of the image names.
const (
	privateRegistry = "123456789012.dkr.ecr." + region + ".amazonaws.com"
	publicRegistry  = "registry.example.com"
)

// registries starts a registry that wants a login of Amazon ECR's form, with the token that the emulator gives, and one that serves
// everybody. Both have the image that the cases run.
func (w *awsEnv) registries() map[string]http.Handler {
	w.t.Helper()
	out := must[*ecr.GetAuthorizationTokenOutput](w.t, "get a token of ECR")(
		ecr.NewFromConfig(w.config).GetAuthorizationToken(w.t.Context(), &ecr.GetAuthorizationTokenInput{}))
	token := must[[]byte](w.t, "read the token of ECR")(
		base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken)))
	user, password, _ := strings.Cut(string(token), ":")
	if user != "AWS" || password == "" {
		w.t.Fatalf("the emulator's token is for the user %q", user)
	}
	private := imageregistry.Start(w.t, "../..", imageregistry.Login{User: user, Password: password}, nil)
	private.Push(w.t, "example/web", version)
	public := imageregistry.Start(w.t, "../..", imageregistry.Login{}, nil)
	public.Push(w.t, "example/tools", "1")
	return map[string]http.Handler{privateRegistry: behind(w.t, private.URL()), publicRegistry: behind(w.t, public.URL())}
}

// behind passes requests on to a server, with the host name that the client used: a registry answers with addresses of its own.
func behind(t *testing.T, address string) http.Handler {
	t.Helper()
	to := must[*url.URL](t, "read an address")(url.Parse(address))
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}}
}

// byHost serves each host's own handler, and the rest by another.
func byHost(hosts map[string]http.Handler, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h, ok := hosts[r.Host]; ok {
			h.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// oddWords are the words of the app's command, of which the first becomes part of its answer.
func oddWords() []string { return append([]string{"__VERSION__"}, imageregistry.OddWords()...) }

// containerWords are what stands for words of the manifest that are made here.
func containerWords(t *testing.T) []string {
	variables := maps.Clone(imageregistry.OddValues)
	variables["ASK"] = "search search.service"
	return []string{
		"ODD_WORDS", encode(t, oddWords()), "ODD_VARIABLES", encode(t, variables),
		"HEALTH_TEST", encode(t, append([]string{"CMD", "/bin/check"}, imageregistry.HealthWords...)),
		"LONG_LINE", strings.Repeat("flood", 500),
	}
}

// runsContainers follows an instance with containers: images of both registries, their order, words and variables, their names in the
// network, their logs, jobs, and how they end.
func runsContainers(t *testing.T, w *awsEnv) {
	serves(t, w)
	if got := w.page("/of-search"); got != "found\n" {
		t.Errorf("search, by its unit's name, answers %q", got)
	}
	if got := w.page("/of-search.service"); got != "found\n" {
		t.Errorf("search.service answers %q", got)
	}
	w.seen += "; pulled from both registries, names"
	w.arrivesUnchanged()
	w.startsInOrder()
	w.operates()
	w.jobsFire()
	w.drains()
	w.staysWithinItsLog()
}

// arrivesUnchanged holds that each word and variable is in the container, byte for byte.
func (w *awsEnv) arrivesUnchanged() {
	t := w.t
	t.Helper()
	words := strings.Split(strings.TrimSuffix(w.page("/words"), "\x00"), "\x00")
	want := oddWords()
	want[0] = version
	// The entrypoint's words come before.
	if begin := len(words) - len(want); begin < 0 || !slices.Equal(words[begin:], want) {
		t.Errorf("the container's words are %q, want %q at the end", words, want)
	}
	variables := strings.Split(w.page("/environment"), "\x00")
	for name, value := range imageregistry.OddValues {
		if !slices.Contains(variables, name+"="+value) {
			t.Errorf("the container's variables are %q, want %q", variables, name+"="+value)
		}
	}
	w.seen += fmt.Sprintf("; %d words and %d variables unchanged", len(want), len(imageregistry.OddValues))
}

// startsInOrder holds that a unit waited for the end of one and for the health of another, and that a restart of the app does not
// run the migration again.
func (w *awsEnv) startsInOrder() {
	w.t.Helper()
	const want = "migrate begins\nmigrate ends\nsearch begins\nsearch healthy\nserve begins\n"
	if got := w.sudo("cat /var/log/order/log"); got != want {
		w.t.Errorf("the containers began in the order\n%swant\n%s", got, want)
	}
	w.sudo("systemctl restart web.service")
	w.becomes("the app has begun again", func() error {
		if got := w.sudo("cat /var/log/order/log"); got != want+"serve begins\n" {
			return fmt.Errorf("the containers began in the order\n%s", got)
		}
		return nil
	})
	w.seen += "; in order"
}

// sudo runs a command as root, which must succeed. quoted for a shell: it holds no single quotes.
func (w *awsEnv) sudo(command string) string {
	w.t.Helper()
	said, err := w.ada.run(w.machine, "sudo sh -c '"+command+"'")
	if err != nil {
		w.t.Fatalf("%s: %v: %s", command, err, said)
	}
	return said
}

// period is the time between two firings of the jobs, as the manifest has it.
const period = 10 * time.Second

// jobsFire holds that a job runs once for each firing of its timer, and that no second instance runs a firing of an exclusive one.
func (w *awsEnv) jobsFire() {
	t := w.t
	t.Helper()
	var ticks []string
	w.becomes("the job has run three times", func() error {
		said, _ := w.ada.run(w.machine, "cat /var/log/order/tick")
		if ticks = strings.Fields(said); len(ticks) < 3 {
			return fmt.Errorf("it ran %d times", len(ticks))
		}
		return nil
	})
	for i := 1; i < len(ticks); i++ {
		before, _ := strconv.Atoi(ticks[i-1])
		at, err := strconv.Atoi(ticks[i])
		// A timer may be late by systemd's accuracy, a minute unless given, and by the start of a container. It is never early.
		if since := time.Duration(at-before) * time.Second; err != nil || since < period/2 {
			t.Errorf("the job ran at the times %v, %s apart", ticks, since)
		}
	}
	w.exclusive()
	w.seen += "; jobs"
}

// exclusive holds that the exclusive job ran once for each lock, and that a firing that has ended does not run again.
func (w *awsEnv) exclusive() {
	t := w.t
	t.Helper()
	var locks []map[string]types.AttributeValue
	w.becomes("the exclusive job has run", func() error {
		out, err := dynamodb.NewFromConfig(w.config).Scan(t.Context(), &dynamodb.ScanInput{
			TableName: aws.String(document.TableName(orbit, document.LocksTable)),
		})
		if err != nil || len(out.Items) == 0 {
			return fmt.Errorf("there are no locks: %w", err)
		}
		locks = out.Items
		if state, _ := locks[0]["state"].(*types.AttributeValueMemberS); state == nil || state.Value != "done" {
			return fmt.Errorf("the lock is %v", locks[0])
		}
		return nil
	})
	for _, fence := range strings.Fields(w.sudo("cat /var/log/order/once")) {
		if fence != "1" {
			t.Errorf("a firing ran with the fence %s: it ran twice", fence)
		}
	}
	name, _ := locks[0][document.LockName].(*types.AttributeValueMemberS)
	planned, err := time.Parse("2006-01-02T15:04:05", name.Value[strings.LastIndex(name.Value, "/")+1:])
	if err != nil {
		t.Fatalf("the lock %q has no time: %v", name.Value, err)
	}
	said := w.sudo(fmt.Sprintf("TRIGGER_TIMER_REALTIME_USEC=%d spacel-agent exclusive once.service \"*:*:0/10\" touch /run/second 2>&1; "+
		"test ! -e /run/second", planned.Add(time.Second).UnixMicro()))
	if !strings.Contains(said, "not run here") {
		t.Errorf("a second start of the firing %s says %s", name.Value, said)
	}
}

// drains holds that a container may take as long to end as its manifest says.
func (w *awsEnv) drains() {
	w.t.Helper()
	began := time.Now()
	w.sudo("systemctl stop drain.service")
	took := time.Since(began)
	if got := w.sudo("cat /var/log/order/drain"); got != "ready\ndrained\n" || took < 6*time.Second {
		w.t.Errorf("the container that drains for 6 s ended after %s and wrote %q", took, got)
	}
	if got := w.sudo("systemctl is-failed drain.service || true"); got != "inactive\n" {
		w.t.Errorf("the stopped unit is %s", got)
	}
	w.seen += "; drained"
}

// logLimit is what Docker may keep for a container: three files of 10 MB, and one line more.
const logLimit = 3*10_000_000 + 10_000

// staysWithinItsLog holds that 50 MB of output, which is more in Docker's form, take no more room than the limit.
func (w *awsEnv) staysWithinItsLog() {
	w.t.Helper()
	w.becomes("the container has written 50 MB", func() error {
		said, err := w.ada.run(w.machine, "cat /var/log/order/flood")
		if said == "" || err != nil {
			return fmt.Errorf("it says %q, %w", said, err)
		}
		return nil
	})
	said := w.sudo("cat /var/lib/docker/containers/$(docker inspect --format {{.Id}} flood.service)/*-json.log* | wc -c")
	size, err := strconv.Atoi(strings.TrimSpace(said))
	if err != nil || size > logLimit || size < logLimit/3 {
		w.t.Errorf("Docker keeps %s bytes of 50 MB, want between %d and %d", said, logLimit/3, logLimit)
	}
	w.seen += fmt.Sprintf("; %d MB of 50 kept", size/1_000_000)
}
