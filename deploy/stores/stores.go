// Package stores finds the databases and caches of a deployed app.
package stores

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/live"
)

// Store is a database or a cache.
type Store struct {
	Kind     string `json:"kind"` // database or cache
	Name     string `json:"name"` // in the manifest
	Region   string `json:"region"`
	Engine   string `json:"engine"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Database string `json:"database,omitempty"` // that RDS made in it
	User     string `json:"user,omitempty"`
	Secret   string `json:"secret"` // the ARN of the secret with the password
}

// An instance has all of this in its environment. It is read from the stack here, so that a person needs rights on CloudFormation only,
// and no login, to find a store.

// deployed is the part of a stack's template that describes its stores.
type deployed struct {
	Outputs   map[string]struct{ Description string }
	Resources map[string]struct{ Properties map[string]any }
}

// Find returns the stores of a stack, by name. The kind and the name stand in the description of the output with the host name, since
// a logical id does not tell the name in the manifest. Engine and port stand in the properties of the resource.
func Find(ctx context.Context, stacks *live.Stacks, stack *live.Stack) (map[string]Store, error) {
	body, err := stacks.TemplateText(ctx, stack)
	if err != nil {
		return nil, err
	}
	var t deployed
	if err := json.Unmarshal(body, &t); err != nil {
		return nil, fmt.Errorf("read the deployed template of %s: it is not one that spacel deploys: %w", stack.StackRef, err)
	}
	found := map[string]Store{}
	for output, written := range t.Outputs {
		kind, name, ok := document.CutStoreHostDescription(written.Description)
		id := strings.TrimSuffix(output, document.OutputStoreHost)
		// After a failed creation an output has no value, and there is no store yet.
		if !ok || stack.Outputs[output] == "" {
			continue
		}
		s := Store{Kind: kind, Name: name, Region: stack.Region, Host: stack.Outputs[output],
			Secret: stack.Outputs[id+document.OutputStoreSecret]}
		s.describe(t.Resources[id].Properties)
		found[name] = s
	}
	return found, nil
}

// describe fills in the properties of the store's resource. A reference, in place of a text or a number, stays unknown. The
// port of a database is a text in the template, that of a cache a number, as CloudFormation's types are.
func (s *Store) describe(properties map[string]any) {
	text := func(name string) string {
		value, _ := properties[name].(string)
		return value
	}
	s.Engine, s.Database, s.User = text("Engine"), text("DBName"), text("MasterUsername")
	switch port := properties["Port"].(type) {
	case string:
		s.Port, _ = strconv.Atoi(port)
	case float64:
		s.Port = int(port)
	}
}

// Credentials are the fields of a store's secret.
type Credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// Credentials reads the store's secret. An error never has a part of it.
func (s Store) Credentials(ctx context.Context, region *cloud.Region) (Credentials, error) {
	out, err := region.SecretsManager().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.Secret})
	if err != nil {
		return Credentials{}, fmt.Errorf("read the password of the %s %s: %w", s.Kind, s.Name, cloud.Explain(err))
	}
	var c Credentials
	if json.Unmarshal([]byte(aws.ToString(out.SecretString)), &c) != nil || c.Password == "" {
		// The cause of a failed Unmarshal would quote the secret.
		return Credentials{}, fmt.Errorf("read the password of the %s %s: the secret %s is no JSON with a password", s.Kind, s.Name,
			s.Secret)
	}
	return c, nil
}

// schemes are those of URLs, by the first word of the engine's name where they differ.
var schemes = map[string]string{"mariadb": "mysql", "postgres": "postgresql", "valkey": "rediss", "redis": "rediss"}

// URL returns the store's URL at another address, such as the end of a tunnel. The server's certificate has the store's own name, so
// clients can use TLS there, and cannot verify the name.
func (s Store) URL(host string, port int, who Credentials) string {
	// RDS's names of engines have an edition or a family behind a dash: sqlserver-ex, oracle-se2.
	family, _, _ := strings.Cut(s.Engine, "-")
	u := url.URL{Scheme: family, Host: net.JoinHostPort(host, strconv.Itoa(port))}
	if scheme := schemes[family]; scheme != "" {
		u.Scheme = scheme
	}
	// The secret's user wins: that of the template is the first one, which a snapshot of another database does not have.
	user := who.Username
	if user == "" {
		user = s.User
	}
	// Redis has logins by a password alone, and takes a name in a URL since version 6.
	if s.Kind == document.KindCache && user == "" {
		user = "default" // the user of a password that AUTH set
	}
	switch {
	case who.Password != "":
		u.User = url.UserPassword(user, who.Password)
	case user != "":
		u.User = url.User(user)
	}
	if s.Database != "" {
		u.Path = "/" + s.Database
	}
	if u.Scheme == "postgresql" {
		u.RawQuery = "sslmode=require"
	}
	return u.String()
}
