package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

// Each folder of testdata has an event as SNS gives it to a function, and the message that Slack gets. With SPACEL_UPDATE set
// the messages are written anew.
func TestMessages(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*")
	if err != nil || len(dirs) < 10 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m := read(readEvent(t, filepath.Base(dir)).Records[0].SNS)
			checkLimits(t, m)
			got, path := indented(t, m), filepath.Join(dir, "want.json")
			if os.Getenv("SPACEL_UPDATE") != "" {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func readEvent(t testing.TB, name string) events.SNSEvent {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name, "event.json"))
	if err != nil {
		t.Fatal(err)
	}
	var event events.SNSEvent
	if err := json.Unmarshal(data, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func indented(t *testing.T, m message) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Whatever an alarm's texts are, the message stays within what Slack takes.
func TestMessagesStayWithinLimits(t *testing.T) {
	for name, long := range map[string]string{
		"letters": strings.Repeat("x", 50_000), "markup": strings.Repeat("<&>", 20_000), "emoji": strings.Repeat("😀", 20_000),
		"newlines": strings.Repeat("\n", 5_000), "nothing": "", "blank": "  ", "binary": strings.Repeat("\xff", 9_000), "null": "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			var many []dimension
			for range 40 {
				many = append(many, dimension{Name: long, Value: long})
			}
			a := alarm{AlarmName: "n" + long, NewStateValue: "s" + long, AlarmDescription: long, NewStateReason: long, OldStateValue: long,
				AWSAccountId: long, Region: long, StateChangeTime: long, AlarmArn: "arn:aws:cloudwatch:us-east-1:1:alarm:" + long,
				Trigger: trigger{MetricName: long, Namespace: long, Dimensions: many, ComparisonOperator: long, ExtendedStatistic: long}}
			checkLimits(t, alarmMessage(a, long))
			checkLimits(t, plainMessage(long, long))
			checkLimits(t, plainMessage("", long))
		})
	}
}

// checkLimits holds a message against Slack's rules: https://docs.slack.dev/reference/block-kit/blocks/section-block
func checkLimits(t *testing.T, m message) {
	t.Helper()
	checkText(t, m.Text, 4000)
	if len(m.Attachments) > 1 {
		t.Errorf("%d attachments", len(m.Attachments))
	}
	for _, a := range m.Attachments {
		if len(a.Color) != len("#rrggbb") || a.Color[0] != '#' {
			t.Errorf("colour %q", a.Color)
		}
		if len(a.Blocks) == 0 || len(a.Blocks) > 50 {
			t.Errorf("%d blocks", len(a.Blocks))
		}
		for _, b := range a.Blocks {
			checkBlock(t, b)
		}
	}
}

func checkBlock(t *testing.T, b block) {
	t.Helper()
	if b.Type != "section" || (b.Text == nil) == (len(b.Fields) == 0) || len(b.Fields) > mostFields {
		t.Errorf("block %+v", b)
	}
	if b.Text != nil {
		checkText(t, b.Text.Text, mostText)
	}
	for _, f := range b.Fields {
		checkText(t, f.Text, mostField)
	}
}

// checkText wants a text within a length, that mentions nobody: every < is that of a date or of a link to the console.
func checkText(t *testing.T, s string, most int) {
	t.Helper()
	if n := len(utf16.Encode([]rune(s))); n > most || strings.TrimSpace(s) == "" {
		t.Errorf("a text of %d characters, of %d", n, most)
	}
	for rest := s; strings.Contains(rest, "<"); {
		_, rest, _ = strings.Cut(rest, "<")
		if !strings.HasPrefix(rest, "!date^") && !strings.HasPrefix(rest, "https://") {
			t.Errorf("markup in %.60q", s)
		}
	}
}

func TestConsoleLink(t *testing.T) {
	for _, c := range []struct{ arn, topic, name, want string }{
		{"arn:aws:cloudwatch:eu-west-1:1:alarm:a b", "", "a b",
			"https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/a%20b"},
		{"", "arn:aws:sns:us-east-1:1:t", "a/b?c&d|e>f%",
			"https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/a%2Fb%3Fc%26d%7Ce%3Ef%25"},
		{"arn:aws-cn:cloudwatch:cn-north-1:1:alarm:a", "", "a",
			"https://cn-north-1.console.amazonaws.cn/cloudwatch/home?region=cn-north-1#alarmsV2:alarm/a"},
		{"arn:aws-us-gov:cloudwatch:us-gov-west-1:1:alarm:a", "", "a",
			"https://us-gov-west-1.console.amazonaws-us-gov.com/cloudwatch/home?region=us-gov-west-1#alarmsV2:alarm/a"},
		{"arn:aws:cloudwatch:evil.example/:1:alarm:a", "", "a", ""},
		{"arn:aws-moon:cloudwatch:us-east-1:1:alarm:a", "", "a", ""},
		{"", "", "a", ""},
	} {
		if got := consoleLink(alarm{AlarmArn: c.arn, AlarmName: c.name}, c.topic); got != c.want {
			t.Errorf("%q %q: got %s, want %s", c.arn, c.topic, got, c.want)
		}
	}
}
