package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
)

// named are the properties that give something a name or describe it, with the most characters that AWS takes (the types'
// own references). A new one has to be added here.
var named = map[string]int{
	"AWS::CertificateManager::Certificate DomainName":                253,
	"AWS::CloudWatch::Alarm AlarmDescription":                        1024,
	"AWS::CloudWatch::Alarm MetricName":                              255,
	"AWS::DynamoDB::Table TableName":                                 255,
	"AWS::EC2::SecurityGroup GroupDescription":                       255,
	"AWS::EC2::SecurityGroupEgress Description":                      255,
	"AWS::EC2::SecurityGroupIngress Description":                     255,
	"AWS::EC2::VPCEndpoint ServiceName":                              255,
	"AWS::ElastiCache::ReplicationGroup ReplicationGroupDescription": 255,
	"AWS::ElastiCache::SubnetGroup Description":                      255,
	"AWS::IAM::Policy PolicyName":                                    128,
	"AWS::KMS::Alias AliasName":                                      256,
	"AWS::KMS::Key Description":                                      8192,
	"AWS::Lambda::Function Description":                              256,
	"AWS::Logs::LogGroup LogGroupName":                               512,
	"AWS::Logs::MetricFilter FilterName":                             512,
	"AWS::RDS::DBInstance DBName":                                    63,
	"AWS::RDS::DBInstance MasterUsername":                            63,
	"AWS::RDS::DBParameterGroup Description":                         255,
	"AWS::RDS::DBSubnetGroup DBSubnetGroupDescription":               255,
	"AWS::Route53::RecordSet Name":                                   253,
	"AWS::Route53::RecordSet SetIdentifier":                          128,
	"AWS::SecretsManager::Secret Name":                               512,
	"AWS::SecretsManager::Secret Description":                        2048,
	"AWS::SNS::Topic DisplayName":                                    100,
	"AWS::SQS::Queue QueueName":                                      80,
}

var naming = regexp.MustCompile(`(Name|Identifier|Description|Username)$`)

// Whatever the orbit's and the app's names, nothing is named or described at more length than AWS allows.
func TestNamesFit(t *testing.T) {
	dir := t.TempDir()
	orbit, app, name := strings.Repeat("o", 60), strings.Repeat("a", 67), strings.Repeat("n", 63)
	writeManifest(t, dir, "orbit.json", object{
		"name": orbit, "regions": []string{"us-east-1", "us-west-2"}, "all": object{"domain": "example.com", "flow_logs": true},
	})
	writeManifest(t, dir, "app.json", object{"name": app, "all": object{
		"hostnames":    []string{hostname(253)},
		"cw_stats":     true,
		"services":     object{name: object{"image": "nginx"}},
		"public_ports": object{"80": object{"sources": []string{"us-west-2", strings.Repeat("b", 67)}}},
		"volumes":      object{name: object{"count": 2}},
		"databases": object{name: object{
			"username": "n" + strings.Repeat("x", 15), "alarms": object{name: object{"metric": "cpu", "endpoints": []string{name}}},
		}},
		"caches": object{"c" + name[1:]: object{}},
		"alarms": object{
			"endpoints": object{
				name:    object{"type": "email", "addresses": []string{"a@example.com"}},
				"slack": object{"type": "slack", "url": "ssm:/slack"},
				"pager": object{"type": "pagerduty", "service": "PABC123"},
				"more":  object{"type": "scaleup"},
			},
			"triggers": object{name: object{"metric": "cpu", "endpoints": []string{name, "slack", "pager", "more"}}},
		},
		"logging": object{"docker": object{"metrics": object{name: object{
			"patterns": object{"ERROR": 1}, "alarms": object{name: object{"threshold": ">1", "endpoints": name}},
		}}}},
	}})
	var stdout, stderr bytes.Buffer
	out := filepath.Join(dir, "build")
	args := []string{"spacel", "build", "--out", out, "--with-orbit", "--orbit", filepath.Join(dir, "orbit.json"),
		filepath.Join(dir, "app.json")}
	code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr)
	files := contents(t, out)
	if code != 0 {
		t.Fatal(stderr.String())
	}
	seen := 0
	for _, stack := range decoded[assembly.Manifest](t, files["manifest.json"]).Stacks {
		for id, resource := range decoded[template](t, files[stack.Template]).Resources {
			text, err := json.Marshal(resource)
			if err != nil {
				t.Fatal(err)
			}
			seen += namesFit(t, id, decoded[namedResource](t, string(text)))
		}
	}
	if seen < 80 {
		t.Errorf("only %d names were looked at", seen)
	}
}

type namedResource struct {
	Type       string
	Properties map[string]any
}

func namesFit(t *testing.T, id string, r namedResource) (seen int) {
	for property, value := range r.Properties {
		name, literal := value.(string)
		if !literal || !naming.MatchString(property) {
			continue
		}
		seen++
		most, known := named[r.Type+" "+property]
		if !known {
			t.Errorf("%s: how long may %s %s be?", id, r.Type, property)
		} else if len(name) > most {
			t.Errorf("%s: %s %s has %d characters, of which AWS takes %d: %s", id, r.Type, property, len(name), most, name)
		}
	}
	return seen
}
