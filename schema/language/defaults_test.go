package language

import (
	"testing"

	"cuelang.org/go/cue"
)

// Each part of defaults.cue and the definition that it is for.
var definitionsOfDefaults = map[string]string{
	"orbit": "#OrbitSection", "flow_logs": "#FlowLogs", "app": "#AppSection", "root_volume": "#RootVolume",
	"permission": "#Permission", "dns": "#DNS", "service": "#Service",
	"file": "#File", "volume": "#Volume", "database": "#Database", "cache": "#Cache",
	"endpoint": "#Endpoint", "trigger": "#Trigger", "database_alarm": "#DatabaseAlarm", "log_alarm": "#LogAlarm",
	"logging": "#Logging", "deploy_logging": "#DeployLogging", "docker_logging": "#DockerLogging",
	"scaling_target": "#ScalingTarget", "schedule": "#Schedule", "spot": "#Spot",
	"health_check": "#HealthCheck",
}

func TestDefaultsFitTheDefinitions(t *testing.T) {
	l := newLanguage(t)
	parts, err := l.root.LookupPath(cue.ParsePath("defaults")).Fields()
	if err != nil {
		t.Fatal(err)
	}
	for parts.Next() {
		name := parts.Selector().Unquoted()
		definition, ok := definitionsOfDefaults[name]
		if !ok {
			t.Errorf("defaults.%s is for no definition", name)
			continue
		}
		fit := l.root.LookupPath(cue.ParsePath(definition)).Unify(parts.Value())
		if err := fit.Validate(); err != nil {
			t.Errorf("defaults.%s does not fit %s: %v", name, definition, err)
		}
	}
}

func TestDefaultPolicyIsTheRecommendedOne(t *testing.T) {
	l := newLanguage(t)
	facts, err := l.facts()
	if err != nil {
		t.Fatal(err)
	}
	policy, err := l.root.LookupPath(cue.ParsePath("catalog.balancer_policy")).String()
	if usual := facts.Defaults.Lookup("app").Lookup("tls_policy").Text; err != nil || policy != usual {
		t.Errorf("the policy is %s, but the catalog recommends %s: %v", usual, policy, err)
	}
}
