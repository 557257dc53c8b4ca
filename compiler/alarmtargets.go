package compiler

import (
	"strings"

	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema"
	"github.com/pebble/spacel/schema/report"
)

// alarmTargets are the targets of alarms, by the endpoint's name: a topic notifies people, a scaling policy changes the
// group.
type alarmTargets struct {
	*part
	topics   map[string]*cfn.Topic
	policies map[string]*cfn.ScalingPolicy
}

// alarmTargetsOf makes the targets for all endpoints in the manifest.
func alarmTargetsOf(a appContext, group *cfn.AutoScalingGroup, r *report.Report) alarmTargets {
	d := alarmTargets{part: &part{}, topics: map[string]*cfn.Topic{}, policies: map[string]*cfn.ScalingPolicy{}}
	for _, e := range a.region.Alarms.Endpoints {
		if strings.HasPrefix(e.Type, "scale") {
			d.policies[e.Name] = simpleScaling(d.part, e, group)
			continue
		}
		if strings.HasPrefix(e.URL, "https:") {
			r.Notef(e.At("url"), "is ignored: deploy reads the webhook from the environment variable %s", webhookVariable(a, e))
		}
		topic := alarmTopic(a, d.part, e)
		d.topics[e.Name] = topic
		switch e.Type {
		case "email":
			for _, address := range e.Addresses {
				d.subscribe(e, idPart(e.Name+"/"+address), topic, "email", cfn.String(address))
			}
		case "pagerduty":
			d.subscribe(e, idPart(e.Name), topic, "https", pagerDuty(a, d.part, e))
		case "slack":
			d.subscribe(e, idPart(e.Name), topic, "lambda", slack(a, d.part, e, topic).Arn())
		}
	}
	return d
}

// subscribe connects an endpoint to the topic. Ids hold the endpoint's name, so a removed address removes its own
// subscription only.
func (d alarmTargets) subscribe(e schema.Endpoint, id string, topic *cfn.Topic, protocol string, endpoint cfn.Value) {
	add(d.part, e.Pos, "EndpointSubscription"+id, &cfn.Subscription{TopicArn: topic.Ref(), Protocol: protocol, Endpoint: endpoint})
}

// maxDisplayName limits the sender's name of emails, in characters (SNS API Reference, CreateTopic, DisplayName).
const maxDisplayName = 100

// alarmTopic makes a topic that only CloudWatch's alarms of this account may publish to, and nobody in the clear. It is not
// encrypted with a key of its own: alarms cannot publish to a topic under AWS's own key (CloudWatch User Guide, "Amazon SNS
// topic … is encrypted"), and there is nothing secret in them.
func alarmTopic(a appContext, p *part, e schema.Endpoint) *cfn.Topic {
	name := a.stackName()
	topic := add(p, e.Pos, "EndpointTopic"+idPart(e.Name), &cfn.Topic{
		DisplayName: name[:min(len(name), maxDisplayName)],
		Tags:        a.nameTag(),
	})
	publish := []string{"sns:Publish"}
	fromAlarms := cfn.Statement{
		Sid:       "Alarms",
		Effect:    "Allow",
		Principal: map[string]cfn.Value{"Service": cfn.String("cloudwatch.amazonaws.com")},
		Action:    publish,
		Resource:  []cfn.Value{topic.Ref()},
	}.When("StringEquals", "aws:SourceAccount", cfn.AccountID).
		When("ArnLike", "aws:SourceArn", cfn.ARN("cloudwatch", cfn.String("alarm:*")))
	inTheClear := cfn.Statement{
		Sid:       "EncryptedTransport",
		Effect:    "Deny",
		Principal: map[string]cfn.Value{"AWS": cfn.String("*")},
		Action:    publish,
		Resource:  []cfn.Value{topic.Ref()},
	}.When("Bool", "aws:SecureTransport", cfn.String("false"))
	add(p, e.Pos, "EndpointAccess"+idPart(e.Name), &cfn.TopicPolicy{
		PolicyDocument: cfn.Policies(fromAlarms, inTheClear),
		Topics:         []cfn.Value{topic.Ref()},
	})
	return topic
}
