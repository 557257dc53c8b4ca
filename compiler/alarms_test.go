package compiler

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/schema"
)

// alarmed gives an app endpoints and triggers.
func alarmed(endpoints []schema.Endpoint, triggers ...schema.Trigger) appChange {
	return func(app *schema.AppRegion) {
		app.Alarms = schema.Alarms{Endpoints: endpoints, Triggers: triggers}
	}
}

func testEndpoint(name, kind string, changes ...func(*schema.Endpoint)) schema.Endpoint {
	e := schema.Endpoint{Node: at("web.json", 20, "all.alarms.endpoints."+name), Name: name, Type: kind}
	for _, change := range changes {
		change(&e)
	}
	return e
}

func hook(url string) func(*schema.Endpoint) {
	return func(e *schema.Endpoint) { e.URL = url }
}

// trigger watches a metric and tells people of alarm and ok.
func trigger(name, metric string, endpoints ...string) schema.Trigger {
	return schema.Trigger{
		Node: at("web.json", 30, "all.alarms.triggers."+name), Name: name, Metric: schema.Metric{Name: metric},
		Comparison: ">", Threshold: 85, Periods: 3, Period: 60, Statistic: "Average", MissingData: "missing",
		Notify: []string{"alarm", "ok"}, Endpoints: endpoints,
	}
}

func ops() []schema.Endpoint {
	return []schema.Endpoint{testEndpoint("ops", "email", func(e *schema.Endpoint) { e.Addresses = []string{"ops@example.com"} })}
}

func TestPeopleHearOfTheirStatesAndScalingOfAlarmsAlone(t *testing.T) {
	endpoints := append(ops(), testEndpoint("more", "scaleup", func(e *schema.Endpoint) { e.Adjustment, e.Cooldown = "50%", 300 }))
	usual := trigger("usual", "EC2/CPUUtilization", "more", "ops")
	all := trigger("all", "EC2/CPUUtilization", "ops", "more")
	all.Notify = []string{"insufficient_data", "alarm", "ok"}
	none := trigger("none", "EC2/CPUUtilization", "ops", "more")
	none.Notify = []string{"insufficient_data"}
	v := lower(t, alarmed(endpoints, usual, all, none))
	const topic, policy = `{"Ref":"EndpointTopicOps"}`, `{"Ref":"ScalingPolicyMore"}`
	for id, want := range map[string][3]string{
		"AlarmUsual": {"[" + policy + "," + topic + "]", "[" + topic + "]", ""},
		"AlarmAll":   {"[" + topic + "," + policy + "]", "[" + topic + "]", "[" + topic + "]"},
		"AlarmNone":  {"[" + policy + "]", "", "[" + topic + "]"},
	} {
		v.has(id, "AlarmActions", want[0])
		v.has(id, "OKActions", want[1])
		v.has(id, "InsufficientDataActions", want[2])
		v.has(id, "AlarmName", "")
	}
	v.has("ScalingPolicyMore", "ScalingAdjustment", "50")
	v.has("ScalingPolicyMore", "MinAdjustmentMagnitude", "1")
	v.has("ScalingPolicyMore", "Cooldown", `"300"`)
}

// No webhook in the clear gets into an artifact, whatever makes use of it.
func TestWebhooksStayOut(t *testing.T) {
	orbit := testOrbit("us-east-1")
	b := build(t, orbit, testApp(orbit, "web", alarmed([]schema.Endpoint{
		testEndpoint("chat", "slack", hook("https://hooks.slack.com/hunter2")),
		testEndpoint("page", "pagerduty", hook("https://events.pagerduty.com/hunter2")),
	})))
	v := b.view("us-east-1/test-web")
	all, err := json.Marshal([]any{v.body, v.stack, b.problems})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(all), "hunter2") {
		t.Errorf("the webhook is in %s", all)
	}
	for name, variable := range map[string]string{"WebhookChat": "SPACEL_WEBHOOK_WEB__CHAT", "WebhookPage": "SPACEL_WEBHOOK_WEB__PAGE"} {
		source := v.stack.Parameters[name].Secret
		if source == nil || *source != (assembly.Secret{Environment: variable}) {
			t.Errorf("%s: %+v", name, source)
		}
		if v.get("Parameters", name, "NoEcho") != "true" {
			t.Errorf("%s is shown", name)
		}
		if !slices.ContainsFunc(b.problems, func(p string) bool { return strings.Contains(p, variable) }) {
			t.Errorf("nothing is said of %s", variable)
		}
	}
}

// A function may read its own webhook and no other, and write its own log.
func TestSlackReadsItsOwnWebhook(t *testing.T) {
	v := lower(t, alarmed([]schema.Endpoint{
		testEndpoint("a", "slack", hook("ssm:/web/slack")),
		testEndpoint("b", "slack", hook("secret:slack")),
		testEndpoint("c", "slack", func(e *schema.Endpoint) { e.URLPayload = secret("eu-west-1") }),
	}))
	key := `"Condition":{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/test-web"}`
	for id, want := range map[string][]string{
		"A": {`["ssm:GetParameter"]`, `:parameter/web/slack"`, key, `"kms:ViaService":"ssm.us-east-1.amazonaws.com"`},
		"B": {`["secretsmanager:GetSecretValue"]`, `:secret:slack-??????"`, key,
			`"kms:ViaService":"secretsmanager.us-east-1.amazonaws.com"`},
		"C": {`["kms:Decrypt"]`, `kms:eu-west-1:${AWS::AccountId}:key/*`, key},
	} {
		policy := v.property("SlackPolicy"+id, "PolicyDocument")
		for _, part := range append(want, `"Resource":[{"Fn::GetAtt":["SlackLogGroup`+id+`","Arn"]}]`) {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: no %s in %s", id, part, policy)
			}
		}
		if statements := strings.Count(policy, `"Effect"`); statements != len(want)/2+1 {
			t.Errorf("%s: %d statements in %s", id, statements, policy)
		}
		v.has("SlackPermission"+id, "SourceArn", `{"Ref":"EndpointTopic`+id+`"}`)
	}
	for _, id := range []string{"SlackBucket", "SlackKey"} {
		if binary := v.stack.Parameters[id].Binary; binary == nil || binary.Name != "slack" || binary.Architecture != "arm64" {
			t.Errorf("%s: %+v", id, binary)
		}
	}
}

func TestPagerDutyIsBoundAtDeploy(t *testing.T) {
	v := lower(t, alarmed([]schema.Endpoint{
		testEndpoint("default", "pagerduty"),
		testEndpoint("service", "pagerduty", func(e *schema.Endpoint) { e.Service = "PABC" }),
		testEndpoint("policy", "pagerduty", func(e *schema.Endpoint) { e.EscalationPolicy = "PXYZ" }),
		testEndpoint("own", "pagerduty", func(e *schema.Endpoint) { e.URLPayload = secret("us-east-1") }),
	}))
	for id, want := range map[string]assembly.PagerDuty{
		"WebhookDefault": {}, "WebhookService": {Service: "PABC"}, "WebhookPolicy": {EscalationPolicy: "PXYZ"},
	} {
		if got := v.stack.Parameters[id].PagerDuty; got == nil || *got != want {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if own := v.stack.Parameters["WebhookOwn"].Secret; own == nil || own.Payload == nil || own.Payload.Key != "a2V5" {
		t.Errorf("own: %+v", own)
	}
	v.has("EndpointSubscriptionOwn", "Endpoint", `{"Ref":"WebhookOwn"}`)
}

// Names that differ in little give ids and variables that differ.
func TestNamesOfEndpointsStayApart(t *testing.T) {
	endpoints := []string{"a-b", "a_b", "a b", "A-B", "a--b", "b", "topic-b", "ops"}
	var all []schema.Endpoint
	for _, name := range endpoints {
		all = append(all, testEndpoint(name, "slack", hook("https://example.com/"+name)))
	}
	orbit := testOrbit("us-east-1")
	b := build(t, orbit, testApp(orbit, "web", alarmed(all, trigger("b", "EC2/CPUUtilization", "b"),
		trigger("topic-b", "EC2/CPUUtilization", "b"))),
		testApp(orbit, "web-a", alarmed([]schema.Endpoint{testEndpoint("b", "slack", hook("https://example.com/other"))})))
	seen := map[string]string{}
	for key, stack := range b.stacks {
		for id, source := range stack.Parameters {
			if source.Secret == nil {
				continue
			}
			if other, ok := seen[source.Secret.Environment]; ok {
				t.Errorf("%s: %s and %s", source.Secret.Environment, other, key+"/"+id)
			}
			seen[source.Secret.Environment] = key + "/" + id
		}
	}
	if len(seen) != len(endpoints)+1 {
		t.Errorf("%d variables: %v", len(seen), seen)
	}
}

// An instance counts once, although each of its ports has a target group.
func TestHealthOfSeveralPorts(t *testing.T) {
	two := ports(testPort(80, "HTTP", anyone()), testPort(81, "HTTP", anyone()))
	healthy, unhealthy := trigger("healthy", "ELB/HealthyHostCount", "ops"), trigger("unhealthy", "ELB/UnHealthyHostCount", "ops")
	v := lower(t, two, alarmed(ops(), healthy, unhealthy))
	for id, fold := range map[string]string{"AlarmHealthy": "MIN(METRICS())", "AlarmUnhealthy": "MAX(METRICS())"} {
		metrics := v.property(id, "Metrics")
		if strings.Count(metrics, `"ReturnData":true`) != 1 || strings.Count(metrics, "TargetGroupFullName") != 2 ||
			!strings.Contains(metrics, fold) {
			t.Errorf("%s: %s", id, metrics)
		}
		v.has(id, "Namespace", "")
		if v.get("Resources", id, "DependsOn") != `["Asg"]` {
			t.Errorf("%s does not wait for the group", id)
		}
	}
	v = lower(t, alarmed(ops(), healthy))
	v.has("AlarmHealthy", "Dimensions", `[{"Name":"LoadBalancer","Value":{"Fn::GetAtt":["PublicBalancer","LoadBalancerFullName"]}},`+
		`{"Name":"TargetGroup","Value":{"Fn::GetAtt":["PublicTargetsHTTP80","TargetGroupFullName"]}}]`)
}

func TestTooManyPortsToWatch(t *testing.T) {
	var all []schema.PublicPort
	for n := range maxAlarmMetrics {
		all = append(all, testPort(8000+n, "HTTP", anyone()))
	}
	orbit := testOrbit("us-east-1")
	b := build(t, orbit, testApp(orbit, "web", ports(all...), alarmed(ops(), trigger("healthy", "ELB/HealthyHostCount", "ops"))))
	b.reported("triggers.healthy.metric", "1 to 9 ports", "got 10")
	build(t, orbit, testApp(orbit, "web", ports(all[1:]...), alarmed(ops(), trigger("healthy", "ELB/HealthyHostCount", "ops")))).silent()
}

// Every balancer metric of the language has a name in CloudWatch, for one kind of balancer at least.
func TestEveryBalancerMetricIsKnown(t *testing.T) {
	for name, known := range balancerMetrics {
		if known.application == "" && known.network == "" {
			t.Errorf("%s has no name", name)
		}
	}
	if len(balancerMetrics) != 17 {
		t.Errorf("%d metrics", len(balancerMetrics))
	}
}

func TestStatistics(t *testing.T) {
	mean, tail := trigger("mean", "EC2/CPUUtilization", "ops"), trigger("tail", "EC2/CPUUtilization", "ops")
	tail.Statistic, tail.Comparison, tail.Threshold = "p99.9", "<=", 0
	v := lower(t, alarmed(ops(), mean, tail))
	v.has("AlarmMean", "Statistic", `"Average"`)
	v.has("AlarmMean", "ExtendedStatistic", "")
	v.has("AlarmTail", "Statistic", "")
	v.has("AlarmTail", "ExtendedStatistic", `"p99.9"`)
	v.has("AlarmTail", "ComparisonOperator", `"LessThanOrEqualToThreshold"`)
	v.has("AlarmTail", "Threshold", "0")
}

// A topic takes what alarms of the account say, and nothing in the clear.
func TestTopicsAreClosed(t *testing.T) {
	v := lower(t, alarmed(ops()))
	policy := v.property("EndpointAccessOps", "PolicyDocument")
	for _, want := range []string{
		`"Principal":{"Service":"cloudwatch.amazonaws.com"}`, `"aws:SourceAccount":{"Ref":"AWS::AccountId"}`, `:alarm:*"`,
		`"Effect":"Deny"`, `"aws:SecureTransport":"false"`,
	} {
		if !strings.Contains(policy, want) {
			t.Errorf("no %s in %s", want, policy)
		}
	}
	v.has("EndpointTopicOps", "KmsMasterKeyId", "") // alarms cannot use AWS's own
}
