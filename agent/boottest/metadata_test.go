//go:build boot

package boottest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// role is the instance's, whose credentials the metadata service gives.
const role = "spacel-boot-test"

// metadata is the instance metadata service, version 2 only, as far as cloud-init and the SDKs ask it.
type metadata struct {
	tree map[string]string // path below /latest → text
}

func newMetadata(t *testing.T, i instance, userData string) *metadata {
	t.Helper()
	m := &metadata{tree: i.metadata(t)}
	m.tree["user-data"] = userData
	return m
}

// instance is what EC2 knows of one.
type instance struct {
	id, image, account string
	launched           time.Time
	credentials        aws.CredentialsProvider
}

// metadata is the tree of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html.
func (i instance) metadata(t *testing.T) map[string]string {
	t.Helper()
	network := "meta-data/network/interfaces/macs/" + guestMAC + "/"
	return map[string]string{
		"meta-data/ami-id":                           i.image,
		"meta-data/ami-launch-index":                 "0",
		"meta-data/hostname":                         guestHost,
		"meta-data/local-hostname":                   guestHost,
		"meta-data/iam/info":                         encode(t, map[string]string{"Code": "Success"}),
		"meta-data/iam/security-credentials/" + role: i.keys(t),
		"meta-data/instance-id":                      i.id,
		"meta-data/instance-life-cycle":              "on-demand",
		"meta-data/instance-type":                    instanceType,
		"meta-data/local-ipv4":                       guestAddress,
		"meta-data/mac":                              guestMAC,
		"meta-data/placement/availability-zone":      region + "a",
		"meta-data/placement/region":                 region,
		"meta-data/reservation-id":                   "r-0123456789abcdef0",
		"meta-data/security-groups":                  "default",
		"meta-data/services/domain":                  "amazonaws.com",
		"meta-data/services/partition":               "aws",
		network + "device-number":                    "0",
		network + "interface-id":                     "eni-0123456789abcdef0",
		network + "local-ipv4s":                      guestAddress,
		network + "mac":                              guestMAC,
		network + "owner-id":                         i.account,
		network + "security-group-ids":               "sg-0123456789abcdef0",
		network + "subnet-id":                        "subnet-0123456789abcdef0",
		network + "vpc-id":                           "vpc-0123456789abcdef0",
		// without which cloud-init believes in EC2-Classic, and fails at the second boot
		network + "vpc-ipv4-cidr-block":      "172.31.0.0/16",
		network + "subnet-ipv4-cidr-block":   guestNetwork,
		"dynamic/instance-identity/document": i.identity(t),
	}
}

func (i instance) identity(t *testing.T) string {
	return encode(t, map[string]any{
		"accountId":        i.account,
		"architecture":     "x86_64",
		"availabilityZone": region + "a",
		"imageId":          i.image,
		"instanceId":       i.id,
		"instanceType":     instanceType,
		"pendingTime":      i.launched.UTC().Format(time.RFC3339),
		"privateIp":        guestAddress,
		"region":           region,
		"version":          "2017-09-30",
	})
}

func (i instance) keys(t *testing.T) string {
	t.Helper()
	have, err := i.credentials.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return encode(t, map[string]string{
		"Code":            "Success",
		"LastUpdated":     time.Now().UTC().Format(time.RFC3339),
		"Type":            "AWS-HMAC",
		"AccessKeyId":     have.AccessKeyID,
		"SecretAccessKey": have.SecretAccessKey,
		"Token":           "token",
		"Expiration":      time.Now().Add(6 * time.Hour).UTC().Format(time.RFC3339),
	})
}

func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tokenValue is the session token. Without one there is no answer: HttpTokens is required in our launch templates.
const tokenValue = "AQAEAboottest=="

func (m *metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const ttl = "X-aws-ec2-metadata-token-ttl-seconds"
	version, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Method == http.MethodPut && path == "api/token" {
		if r.Header.Get(ttl) == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set(ttl, r.Header.Get(ttl))
		fmt.Fprint(w, tokenValue)
		return
	}
	if r.Header.Get("X-aws-ec2-metadata-token") != tokenValue && !m.excused(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if version == "" {
		fmt.Fprint(w, "2009-04-04\n2018-09-24\n2021-03-23\nlatest")
		return
	}
	if text, ok := m.tree[strings.TrimSuffix(path, "/")]; ok {
		fmt.Fprint(w, text)
		return
	}
	if list := m.list(path); len(list) > 0 {
		fmt.Fprint(w, strings.Join(list, "\n"))
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

// excused is cloud-init in a container: without firmware that says EC2 it knows no tokens. An older one gives its library's
// name. Nothing else goes without.
func (m *metadata) excused(r *http.Request) bool {
	agent := r.UserAgent()
	return *engine == "nspawn" && (strings.HasPrefix(agent, "Cloud-Init/") || strings.HasPrefix(agent, "python-requests/"))
}

// list is a directory's entries, of which those that are directories end in a slash.
func (m *metadata) list(path string) []string {
	if path != "" && !strings.HasSuffix(path, "/") {
		path += "/"
	}
	var all []string
	for name := range m.tree {
		rest, ok := strings.CutPrefix(name, path)
		if !ok {
			continue
		}
		if first, _, deeper := strings.Cut(rest, "/"); deeper {
			rest = first + "/"
		}
		all = append(all, rest)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
