package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// colours are those of the console, by state.
var colours = map[string]string{"OK": "#1d8102", "ALARM": "#d13212"}

// unknown is the colour of INSUFFICIENT_DATA.
const unknown = "#879596"

// read makes a message of a record: an alarm, or any other text.
func read(record events.SNSEntity) message {
	if a, ok := parseAlarm(record.Message); ok {
		return alarmMessage(a, record.TopicArn)
	}
	return plainMessage(record.Subject, record.Message)
}

// alarmMessage shows an alarm: a headline with a link, its description, the reason for the change, and columns of facts.
func alarmMessage(a alarm, topicARN string) message {
	var blocks []block
	for _, sentence := range []string{a.AlarmDescription, a.NewStateReason} {
		if sentence = strings.TrimSpace(sentence); sentence != "" {
			blocks = append(blocks, section(escape(sentence, mostText)))
		}
	}
	blocks = append(blocks, columns(
		[2]string{"State", states(a)},
		[2]string{"Changed", changed(a)},
		[2]string{"Metric", escape(a.Trigger.what(), mostField-100)},
		[2]string{"Condition", escape(a.Trigger.condition(), mostField-100)},
		[2]string{"Of", escape(a.Trigger.of(), mostField-100)},
		[2]string{"Where", escape(where(a, topicARN), mostField-100)},
	))
	return message{
		Text:        headline(a, topicARN),
		Attachments: []attachment{{Color: cmp.Or(colours[a.NewStateValue], unknown), Blocks: blocks}},
	}
}

// headline is state and name, the name a link to the console: *ALARM* production-laika-cpu.
func headline(a alarm, topicARN string) string {
	const most = 400 // CloudWatch's names have 255 characters at most
	name := escape(a.AlarmName, most)
	if link := consoleLink(a, topicARN); link != "" && len(link) < mostText {
		name = fmt.Sprintf("<%s|%s>", link, name)
	}
	return fmt.Sprintf("*%s* %s", escape(a.NewStateValue, most), name)
}

// states shows the old and the new state.
func states(a alarm) string {
	const most = 100
	if a.OldStateValue == "" {
		return escape(a.NewStateValue, most)
	}
	return escape(a.OldStateValue, most) + " → " + escape(a.NewStateValue, most)
}

// changed is the time of the change, which Slack shows in each reader's own time zone.
func changed(a alarm) string {
	t, ok := a.when()
	if !ok {
		return escape(a.StateChangeTime, 100)
	}
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time_secs}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04:05 UTC"))
}

// where is the region and the account.
func where(a alarm, topicARN string) string {
	_, region := home(a, topicARN)
	region = cmp.Or(region, a.Region)
	if a.AWSAccountId == "" {
		return region
	}
	return strings.TrimSpace(region + "\naccount " + a.AWSAccountId)
}

// plainMessage is a message of anything but an alarm.
func plainMessage(subject, body string) message {
	body, subject = escape(strings.TrimSpace(body), mostText), strings.TrimSpace(subject)
	if subject == "" {
		return message{Text: cmp.Or(body, "(an empty message)")}
	}
	const most = 500 // SNS's subjects have 100 characters at most
	return message{Text: "*" + escape(subject, most) + "*\n" + body}
}
