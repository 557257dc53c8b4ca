package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/pebble/spacel/agent/document"
)

// credentials are the fields read from the secret of a database or a cache.
type credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// schemes are those of databases' URLs, by the first word of RDS's name of the engine where they differ. SQLAlchemy refuses
// postgres://, and every other client that reads that form reads postgresql://, too (PostgreSQL documentation, "Connection URIs").
var schemes = map[string]string{"mariadb": "mysql", "postgres": "postgresql"}

// storeVariables are how every unit finds the app's databases and caches.
func (b *Boot) storeVariables(ctx context.Context) ([]document.Variable, error) {
	var all []document.Variable
	for _, name := range slices.Sorted(maps.Keys(b.Document.Databases)) {
		d := b.Document.Databases[name]
		who, err := b.credentials(ctx, d.Secret)
		if err != nil {
			return nil, fmt.Errorf("database %s: %w", name, err)
		}
		all = append(all, databaseVariables(prefix(name), d, who)...)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Document.Caches)) {
		c := b.Document.Caches[name]
		who, err := b.credentials(ctx, c.Secret)
		if err != nil {
			return nil, fmt.Errorf("cache %s: %w", name, err)
		}
		all = append(all, cacheVariables(prefix(name), c, who)...)
	}
	return all, nil
}

// credentials reads a secret of Secrets Manager by its ARN.
func (b *Boot) credentials(ctx context.Context, arn string) (credentials, error) {
	text, err := b.once("credentials:"+arn, func() ([]byte, error) {
		out, err := b.AWS.Secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
		if err != nil {
			return nil, fmt.Errorf("read secret %s: %w", arn, err)
		}
		return []byte(aws.ToString(out.SecretString)), nil
	})
	if err != nil {
		return credentials{}, err
	}
	var c credentials
	if json.Unmarshal(text, &c) != nil || c.Password == "" {
		return credentials{}, fmt.Errorf("read secret %s: it must be JSON with a password", arn) // the cause would quote it
	}
	// From now on the log masks the password, also in the output of failing units.
	b.hidden.add([]byte(c.Password))
	if strings.ContainsAny(c.Username+c.Password, "\r\n\x00") {
		return credentials{}, errors.New("its user or password holds a line break, which an environment cannot hold")
	}
	return c, nil
}

// prefix is a store's name as its variables begin.
func prefix(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' {
			return c
		}
		return '_'
	}, strings.ToUpper(name))
}

// databaseVariables returns the environment variables that tell an app how to reach a database.
func databaseVariables(prefix string, d document.Database[string], who credentials) []document.Variable {
	variables := []document.Variable{
		{Name: prefix + "_URL", Value: databaseURL(d, who)},
		{Name: prefix + "_HOSTNAME", Value: d.Host},
		{Name: prefix + "_PORT", Value: strconv.Itoa(d.Port)},
		{Name: prefix + "_USERNAME", Value: who.Username},
		{Name: prefix + "_PASSWORD", Value: who.Password},
	}
	if d.Database != "" {
		variables = append(variables, document.Variable{Name: prefix + "_DATABASE", Value: d.Database})
	}
	if d.CA != "" {
		variables = append(variables, document.Variable{Name: prefix + "_CA", Value: d.CA})
	}
	return variables
}

// databaseURL is a database's URL. That of Postgres has its clients use TLS and verify the server by the authorities of RDS: libpq and
// most other clients read these parameters from a URL (PostgreSQL documentation, "SSL Support"). There is no one word for the clients
// of other engines.
func databaseURL(d document.Database[string], who credentials) string {
	family, _, _ := strings.Cut(d.Engine, "-")
	u := url.URL{Scheme: family, User: url.UserPassword(who.Username, who.Password), Host: address(d.Host, d.Port)}
	if scheme := schemes[family]; scheme != "" {
		u.Scheme = scheme
	}
	if d.Database != "" {
		u.Path = "/" + d.Database
	}
	if family == "postgres" {
		u.RawQuery = postgresTLS(d)
	}
	return u.String()
}

// postgresTLS are the parameters of a URL that verify the server. A document without a CA is of an older build, whose containers
// lack the file, or of a region whose authorities are not known.
func postgresTLS(d document.Database[string]) string {
	if d.CA == "" {
		return "sslmode=require"
	}
	return "sslmode=verify-full&sslrootcert=" + d.CA
}

// cacheVariables name no database, and a URL for each node when there are several.
func cacheVariables(prefix string, c document.Cache[string], who credentials) []document.Variable {
	at := func(host string) string { return cacheURL(host, c.Port, who) }
	variables := []document.Variable{
		{Name: prefix + "_URL", Value: at(c.Host)},
		{Name: prefix + "_HOSTNAME", Value: c.Host},
		{Name: prefix + "_PORT", Value: strconv.Itoa(c.Port)},
		{Name: prefix + "_USERNAME", Value: cacheUser(who)},
		{Name: prefix + "_PASSWORD", Value: who.Password},
	}
	if c.Reader != "" {
		variables = append(variables, document.Variable{Name: prefix + "_READER_URL", Value: at(c.Reader)})
	}
	for i, node := range nodes(c.Nodes) {
		variables = append(variables, document.Variable{Name: fmt.Sprintf("%s_URL_%02d", prefix, i), Value: at(node)})
	}
	return variables
}

// cacheUser is the user of a cache's password. AUTH's is the default user, and the secret names none.
func cacheUser(who credentials) string { return cmp.Or(who.Username, "default") }

// cacheURL returns the URL of a cache at one of its hosts. rediss is the scheme for Redis over TLS.
func cacheURL(host string, port int, who credentials) string {
	u := url.URL{Scheme: "rediss", User: url.UserPassword(cacheUser(who), who.Password), Host: address(host, port)}
	return u.String()
}

// nodes are the host names of a list as ElastiCache writes it: [a, b].
func nodes(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune("[], ", c) })
}

// address joins host and port, with brackets around an IPv6 address.
func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
