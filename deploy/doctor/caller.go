package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pebble/spacel/deploy/cloud"
)

// AWS refuses a signature whose time is further off than this. The SDK corrects its clock after such a refusal, and still
// other programs on the machine fail.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
const (
	skewLimit   = 5 * time.Minute
	skewWarning = 30 * time.Second
)

// caller checks the credentials, and compares this machine's clock with AWS's. The account is "" if the credentials are
// not valid.
func caller(ctx context.Context, c *cloud.Cloud, m Machine) (findings []Finding, account string) {
	out, err := c.Default().STS().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err == nil {
		err = cloud.CheckIdentity(out)
	}
	if err != nil {
		findings = []Finding{{Check: "credentials", State: Problem, Found: cloud.Explain(err).Error(),
			Fix: "run aws configure or aws sso login, or name a profile with --profile"}}
		if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && response.Response != nil {
			if at, err := http.ParseTime(response.Response.Header.Get("Date")); err == nil {
				findings = append(findings, clock(at, m))
			}
		}
		return findings, ""
	}
	account, arn := aws.ToString(out.Account), aws.ToString(out.Arn)
	found := Finding{Check: "credentials", State: OK, Found: fmt.Sprintf("account %s as %s", account, arn)}
	if strings.HasSuffix(arn, ":root") {
		found.State, found.Fix = Warning, "use a role or a user: the root user's rights cannot be limited"
	}
	findings = append(findings, found)
	if at, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok {
		findings = append(findings, clock(at, m))
	}
	return findings, account
}

// clock compares the time of AWS's answer with this machine's.
func clock(at time.Time, m Machine) Finding {
	skew := m.Now().Sub(at).Round(time.Second)
	f := Finding{Check: "clock", State: OK, Found: fmt.Sprintf("%s apart from AWS's", skew.Abs()),
		Fix: "set the clock, by NTP: timedatectl set-ntp true"}
	switch {
	case skew.Abs() >= skewLimit:
		f.State = Problem
	case skew.Abs() >= skewWarning:
		f.State = Warning
	default:
		f.Fix = ""
	}
	return f
}
