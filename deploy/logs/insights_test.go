package logs

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/cloudtest"
)

func TestReadable(t *testing.T) {
	for line, want := range map[string]string{
		"GET / 200": "GET / 200",
		`{"time":"2026-01-01","level":"info","msg":"started","port":80,"path":"/a b","ok":true,"none":null,"e":""}`: "INFO started " +
			`port=80 path="/a b" ok=true none=null e=""`,
		`{"in":{"a": 1}}`:       `in={"a":1}`,
		`{"b":2,"a":1}`:         "b=2 a=1",
		`{"message":"x=\"1\""}`: `x="1"`,
		`{"msg":"two","message":"one","severity":"WARNING"}`: "WARNING two message=one",
		`{"ts":1}`:   `{"ts":1}`,
		`{}`:         `{}`,
		`{"a":`:      `{"a":`,
		`[1]`:        `[1]`,
		`{"a":1} x`:  `{"a":1} x`,
		`{"a":1e99}`: "a=1e99",
	} {
		if got := Readable(line); got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
}

// answers is a CloudWatch Logs that gives the same answers in each region, in turn for each operation.
func answers(t *testing.T, of map[string][]string) *cloud.Cloud {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		region := "us-east-1"
		if strings.Contains(r.Header.Get("Authorization"), "eu-west-1") {
			region = "eu-west-1"
		}
		operation := r.Header.Get("X-Amz-Target")[len("Logs_20140328."):]
		key := operation
		if _, own := of[operation+" "+region]; own {
			key = operation + " " + region
		}
		answer := of[key][0]
		if len(of[key]) > 1 {
			of[key] = of[key][1:]
		}
		if strings.Contains(answer, "__type") {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(answer))
		_ = body
	}))
	t.Cleanup(server.Close)
	return cloud.New(cloudtest.Config(t, server.URL, "us-east-1"), cloud.Access{})
}

func row(at, message string) string {
	return `[{"field": "@timestamp", "value": "` + at + `"}, {"field": "@message", "value": "` + message + `\n"},
		{"field": "@ptr", "value": "x"}]`
}

// Rows of all regions are merged by time, in the direction of the query. A query that runs is asked again.
func TestQuery(t *testing.T) {
	c := answers(t, map[string][]string{
		"StartQuery": {`{"queryId": "q"}`},
		"GetQueryResults us-east-1": {`{"status": "Running", "results": []}`,
			`{"status": "Complete", "results": [` + row("2026-01-01 00:00:03.000", "c") + "," + row("2026-01-01 00:00:01.000", "a") + `]}`},
		"GetQueryResults eu-west-1": {`{"status": "Complete", "results": [` + row("2026-01-01 00:00:02.000", "b") + `]}`},
	})
	groups := []Group{{Region: "eu-west-1", Name: "docker"}, {Region: "us-east-1", Name: "docker"}}
	rows, err := Query(t.Context(), c, groups, time.Now().Add(-time.Hour), "fields @message")
	var got []string
	for _, r := range rows {
		got = append(got, r.Region+" "+r.Values["@message"])
	}
	if diff := cmp.Diff([]string{"us-east-1 c", "eu-west-1 b", "us-east-1 a"}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if diff := cmp.Diff([]string{"@timestamp", "@message"}, rows[0].Fields); diff != "" {
		t.Error(diff)
	}
}

// A mistake in the query has its place. The filter in front of a query on the boot log is not counted.
func TestQueryWithAMistake(t *testing.T) {
	c := answers(t, map[string][]string{"StartQuery": {`{"__type": "MalformedQueryException", "message": "unexpected symbol",
		"queryCompileError": {"location": {"startCharOffset": 37, "endCharOffset": 42}, "message": "unexpected symbol found feilds"}}`}})
	_, err := Query(t.Context(), c, []Group{{Region: "us-east-1", Name: "boot", Prefix: "web/"}}, time.Now(), "feilds @message")
	invalid, ok := err.(*QueryError)
	if !ok || invalid.Start != 37-len(`filter @logStream like /^web\// | `) || invalid.Message != "unexpected symbol found feilds" {
		t.Errorf("got %#v", err)
	}
	c = answers(t, map[string][]string{"StartQuery": {`{"queryId": "q"}`}, "StopQuery": {`{}`},
		"GetQueryResults": {`{"status": "Timeout", "results": []}`}})
	_, err = Query(t.Context(), c, []Group{{Region: "us-east-1", Name: "boot"}}, time.Now(), "fields @message")
	if err == nil || err.Error() != `query the log group boot in us-east-1: CloudWatch ended it with the status "Timeout"` {
		t.Errorf("got %v", err)
	}
}
