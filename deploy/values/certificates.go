package values

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/dnsrecords"
)

// certificate is a certificate of ACM, with the facts for choosing one.
type certificate struct {
	arn     string
	names   []string // lower case
	expires time.Time
}

// certificate returns the ARN of an issued certificate in the stack's region which is valid for all the names. If
// there are several, it takes the one that replaces the fewest labels by stars, then the deployed one, then the one
// that expires last.
func (r *Resolver) certificate(ctx context.Context, q question, names []string) (Value, error) {
	region := q.stack.Region
	issued, err := r.certificates.To(region, func() ([]certificate, error) {
		return r.listCertificates(ctx, region, types.CertificateStatusIssued)
	})
	if err != nil {
		return Value{}, fmt.Errorf("look for a certificate for %s in %s: %w", strings.Join(names, ", "), region, err)
	}
	deployed, _ := q.kept()
	if best, ok := chooseCertificate(issued, names, deployed.Text, time.Now()); ok {
		return Value{Text: best.arn}, nil
	}
	return Value{}, fmt.Errorf("no issued certificate in %s is for %s: %s; request one for all of these names, give its ARN in the "+
		"manifest as certificate, or leave certificate out to have one made",
		region, strings.Join(names, ", "), r.describeCandidates(ctx, region, issued, names))
}

// chooseCertificate returns the best certificate for all of the names, false if there is none.
func chooseCertificate(all []certificate, names []string, deployed string, now time.Time) (certificate, bool) {
	var best certificate
	stars := -1
	for _, c := range all {
		n, ok := c.covers(names)
		// The zero time means that ACM names no end: a certificate that waits for its validation has none yet.
		if !ok || !c.expires.IsZero() && c.expires.Before(now) {
			continue
		}
		if stars < 0 || isBetter(c, best, n-stars, deployed) {
			best, stars = c, n
		}
	}
	return best, stars >= 0
}

// isBetter compares a with b. stars is how many more labels a replaces by stars than b.
func isBetter(a, b certificate, stars int, deployed string) bool {
	if stars != 0 {
		return stars < 0
	}
	// Another certificate would change the listener, so the deployed one stays while it is as good.
	if a.arn == deployed || b.arn == deployed {
		return a.arn == deployed
	}
	return cmp.Or(b.expires.Compare(a.expires), strings.Compare(a.arn, b.arn)) < 0
}

// covers reports whether a certificate is valid for all of the names, and how many of their labels it replaces by
// stars.
func (c certificate) covers(names []string) (stars int, ok bool) {
	for _, name := range names {
		n, ok := c.covering(dnsrecords.PlainName(name))
		if !ok {
			return 0, false
		}
		stars += n
	}
	return stars, true
}

// covering reports whether one of the certificate's names matches, and how many labels the best of them replaces by stars.
func (c certificate) covering(name string) (fewest int, ok bool) {
	for _, pattern := range c.names {
		// A certificate may have both *.example.com and www.example.com. The exact name counts.
		if n, matches := match(pattern, name); matches && (!ok || n < fewest) {
			fewest, ok = n, true
		}
	}
	return fewest, ok
}

// match compares a name label by label and counts the stars. A star stands for exactly one label (RFC 6125, 6.4.3).
func match(pattern, name string) (stars int, ok bool) {
	patterns, labels := strings.Split(pattern, "."), strings.Split(name, ".")
	if len(patterns) != len(labels) {
		return 0, false
	}
	for i, p := range patterns {
		if p == "*" {
			stars++
		} else if p != labels[i] {
			return 0, false
		}
	}
	return stars, true
}

// listCertificates returns a region's certificates in a state, sorted by ARN.
func (r *Resolver) listCertificates(ctx context.Context, region string, status types.CertificateStatus) ([]certificate, error) {
	client := r.cloud.Region(region).ACM()
	pages := acm.NewListCertificatesPaginator(client, &acm.ListCertificatesInput{
		CertificateStatuses: []types.CertificateStatus{status},
		// Without this filter, ACM lists only certificates with RSA keys of at most 2048 bits.
		Includes: &types.Filters{KeyTypes: types.KeyAlgorithm("").Values()},
	})
	var all []certificate
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the certificates: %w", cloud.Explain(err))
		}
		for _, summary := range page.CertificateSummaryList {
			c, err := describe(ctx, client, summary)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b certificate) int { return strings.Compare(a.arn, b.arn) })
	return all, nil
}

// describe asks ACM for the names of a certificate, but only when the list left some out: it has the first hundred.
func describe(ctx context.Context, client *acm.Client, s types.CertificateSummary) (certificate, error) {
	c := certificate{arn: aws.ToString(s.CertificateArn), expires: aws.ToTime(s.NotAfter)}
	names := s.SubjectAlternativeNameSummaries
	if len(names) == 0 || aws.ToBool(s.HasAdditionalSubjectAlternativeNames) {
		out, err := client.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: s.CertificateArn})
		if err != nil {
			return c, fmt.Errorf("describe the certificate %s: %w", c.arn, cloud.Explain(err))
		}
		if out.Certificate == nil {
			return c, fmt.Errorf("describe the certificate %s: %w", c.arn, cloud.Incomplete("acm:DescribeCertificate", "no Certificate"))
		}
		names, c.expires = out.Certificate.SubjectAlternativeNames, aws.ToTime(out.Certificate.NotAfter)
	}
	for _, name := range append([]string{aws.ToString(s.DomainName)}, names...) {
		if name = dnsrecords.PlainName(name); !slices.Contains(c.names, name) {
			c.names = append(c.names, name)
		}
	}
	return c, nil
}

// describeCandidates says for an error message which certificates there are instead of the wanted one.
func (r *Resolver) describeCandidates(ctx context.Context, region string, issued []certificate, names []string) string {
	// A certificate in validation is the most likely cause: somebody requested it and did not finish.
	pending, err := r.listCertificates(ctx, region, types.CertificateStatusPendingValidation)
	if err == nil {
		if c, ok := chooseCertificate(pending, names, "", time.Now()); ok {
			return fmt.Sprintf("%s waits to be validated", c.arn)
		}
	}
	var there []string
	for _, c := range issued {
		there = append(there, strings.Join(c.names[:min(len(c.names), 3)], "+"))
	}
	return "there are " + list(there, "none at all")
}
