package values

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/acm"

	"github.com/pebble/spacel/compiler/assembly"
)

// imported puts a certificate with a key of a curve into ACM, and gives its ARN.
func (a *awsEnv) imported(region string, curve elliptic.Curve, days int, names ...string) string {
	a.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(time.Duration(days) * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		a.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	out, err := a.cloud.Region(region).ACM().ImportCertificate(a.Context(), &acm.ImportCertificateInput{
		Certificate: block("CERTIFICATE", der), PrivateKey: block("PRIVATE KEY", private),
	})
	if err != nil {
		a.Fatal(err)
	}
	return *out.CertificateArn
}

func block(kind string, der []byte) []byte {
	var out bytes.Buffer
	_ = pem.Encode(&out, &pem.Block{Type: kind, Bytes: der}) // a buffer takes all
	return out.Bytes()
}

func certificateFor(names ...string) assembly.ValueFrom {
	return assembly.ValueFrom{Certificate: &assembly.Certificate{Hostnames: names}}
}

func TestCertificate(t *testing.T) {
	a := newAWSEnv(t)
	p256, p384 := elliptic.P256(), elliptic.P384()
	exact := a.imported(here, p256, 10, "a.example.com")
	wildcard := a.imported(here, p384, 10, "*.example.com")
	alternative := a.imported(here, p256, 10, "other.example.org", "b.example.net", "*.example.org")
	a.imported(there, p256, 10, "elsewhere.example.com")
	for name, want := range map[string]string{
		"a.example.com": exact, "A.Example.com": exact, "c.example.com": wildcard, "b.example.net": alternative,
		"x.example.org": alternative,
	} {
		a.wantValue(certificateFor(name), nil, Value{Text: want})
	}
	a.wantValue(certificateFor("x.example.org", "b.example.net"), nil, Value{Text: alternative})
	a.wantError(certificateFor("deep.c.example.com"), "no issued certificate in us-east-1 is for deep.c.example.com: there are ",
		"*.example.com", "other.example.org+b.example.net+*.example.org")
	a.wantError(certificateFor("example.com"), "no issued certificate")
	a.wantError(certificateFor("a.example.com", "b.example.net"), "is for a.example.com, b.example.net")
}

func TestNoCertificates(t *testing.T) {
	newAWSEnv(t).wantError(certificateFor("a.example.com"), "there are none at all; request one")
}

func TestCertificateThatIsNotValidated(t *testing.T) {
	a := newAWSEnv(t)
	name := "a.example.com"
	out, err := a.cloud.Region(here).ACM().RequestCertificate(t.Context(), &acm.RequestCertificateInput{DomainName: &name})
	if err != nil {
		t.Fatal(err)
	}
	a.wantError(certificateFor(name), *out.CertificateArn+" waits to be validated")
}

func TestChoose(t *testing.T) {
	now := time.Now()
	in := func(days int) time.Time { return now.Add(time.Duration(days) * 24 * time.Hour) }
	all := []certificate{
		{"expired", []string{"a.b.example.com"}, in(-1)},
		{"long", []string{"*.b.example.com"}, in(20)},
		{"also long", []string{"*.b.example.com"}, in(20)},
		{"short", []string{"*.b.example.com"}, in(10)},
		{"stars", []string{"*.*.example.com"}, in(30)},
		{"both", []string{"*.b.example.com", "c.b.example.com", "d.b.example.com"}, in(5)},
	}
	for _, c := range []struct {
		names          []string
		deployed, want string
	}{
		{[]string{"a.b.example.com"}, "", "also long"},
		{[]string{"a.b.example.com"}, "short", "short"},
		{[]string{"a.b.example.com"}, "stars", "also long"},
		{[]string{"a.b.example.com"}, "expired", "also long"},
		{[]string{"a.x.example.com"}, "", "stars"},
		{[]string{"a.b.example.com", "c.b.example.com"}, "", "both"},
		{[]string{"b.example.com"}, "", ""},
		{[]string{"x.a.b.example.com"}, "", ""},
	} {
		for range 3 { // in another order each time
			all = append(all[1:], all[0])
			if got, ok := chooseCertificate(all, c.names, c.deployed, now); got.arn != c.want || ok != (c.want != "") {
				t.Errorf("%v: got %q, want %q", c.names, got.arn, c.want)
			}
		}
	}
}
