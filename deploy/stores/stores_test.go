package stores

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
	"github.com/pebble/spacel/internal/cloudtest"
)

const region = "us-east-1"

// What the compiler writes is what Find reads: the description of the host name's output, the ids around it, and the properties.
func TestFind(t *testing.T) {
	c := cloud.New(cloudtest.Config(t, cloudtest.Moto(t), region), cloud.Access{})
	main := document.StoreHostDescription(document.KindDatabase, "main")
	hot := document.StoreHostDescription(document.KindCache, "hot")
	_, err := c.Region(region).CloudFormation().CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("test-web"),
		Tags:      []types.Tag{{Key: aws.String(document.TagOrbit), Value: aws.String("test")}},
		TemplateBody: aws.String(`{"Resources": {
			"DatabaseMain": {"Type": "AWS::SNS::Topic", "Properties": {"Engine": "postgres", "Port": "5433", "DBName": "main",
				"MasterUsername": "web"}},
			"CacheHot": {"Type": "AWS::SNS::Topic", "Properties": {"Engine": "valkey", "Port": 6379}}},
			"Outputs": {
			"DatabaseMainEndpoint": {"Description": "` + main + `", "Value": "db.test"},
			"DatabaseMainSecret": {"Value": "arn:db"},
			"CacheHotEndpoint": {"Description": "` + hot + `", "Value": "hot.test"},
			"CacheHotSecret": {"Value": "arn:hot"},
			"MyEndpoint": {"Description": "The host name of the balancer.", "Value": "other.test"}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	stacks := live.New(c)
	stack, err := stacks.Get(t.Context(), assembly.StackRef{Region: region, Name: "test-web"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Find(t.Context(), stacks, stack)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Store{
		"main": {Kind: "database", Name: "main", Region: region, Engine: "postgres", Host: "db.test", Port: 5433, Database: "main",
			User: "web", Secret: "arn:db"},
		"hot": {Kind: "cache", Name: "hot", Region: region, Engine: "valkey", Host: "hot.test", Port: 6379, Secret: "arn:hot"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestURL(t *testing.T) {
	postgres := Store{Kind: "database", Engine: "postgres", User: "web", Database: "main"}
	type login = Credentials
	for want, c := range map[string]struct {
		store Store
		who   login
	}{
		"postgresql://web@127.0.0.1:15432/main?sslmode=require":          {postgres, login{}},
		"postgresql://u:p%2F%40%3A@127.0.0.1:15432/main?sslmode=require": {postgres, login{"u", "p/@:"}},
		"mysql://127.0.0.1:15432/shop":                                   {Store{Engine: "mariadb", Database: "shop"}, login{}},
		"sqlserver://sa@127.0.0.1:15432":                                 {Store{Engine: "sqlserver-ex", User: "sa"}, login{}},
		"rediss://default@127.0.0.1:15432":                               {Store{Kind: "cache", Engine: "redis"}, login{}},
		"rediss://default:x@127.0.0.1:15432":                             {Store{Kind: "cache", Engine: "valkey"}, login{"", "x"}},
	} {
		if got := c.store.URL("127.0.0.1", 15432, c.who); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A password is read from the secret. A secret of another form is an error that has none of its text.
func TestCredentials(t *testing.T) {
	r := cloud.New(cloudtest.Config(t, cloudtest.Moto(t), region), cloud.Access{}).Region(region)
	for name, c := range map[string]struct{ text, want string }{
		"good":     {`{"username": "web", "password": "hunter2"}`, ""},
		"text":     {`hunter2`, "the secret "},
		"no field": {`{"secret": "hunter2"}`, "is no JSON with a password"},
	} {
		made, err := r.SecretsManager().CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
			Name: aws.String(strings.ReplaceAll(name, " ", "-")), SecretString: &c.text})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Store{Kind: "database", Name: "main", Secret: aws.ToString(made.ARN)}.Credentials(t.Context(), r)
		switch {
		case c.want == "" && (err != nil || got != Credentials{"web", "hunter2"}):
			t.Errorf("%s: %v, %v", name, got, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%s: %v", name, err)
		}
	}
}
