package cloud

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
)

// AWS's services have several codes for the same. (Common errors of each service's API reference; S3 and EC2 have their own.)
var (
	expired = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
	unknown = []string{"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken", "MissingAuthenticationToken",
		"MissingAuthenticationTokenException", "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "AuthFailure"}
	skewed = []string{"RequestTimeTooSkewed", "RequestExpired"}
	denied = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized", "Forbidden",
		"UnauthorizedException", "KMS.AccessDeniedException"}
)

// Advice, the same for every way credentials can fail.
const (
	logIn  = "log in again, as with aws sso login (and --profile)"
	choose = "name a profile with --profile or AWS_PROFILE, log in with aws sso login, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)

// explainRefusal is for an answer that refuses the caller, whatever it asked.
func explainRefusal(call *smithy.OperationError, code, message string) string {
	switch {
	case slices.Contains(expired, code):
		return "the AWS credentials have expired: " + logIn
	case slices.Contains(skewed, code), strings.HasPrefix(message, "Signature expired"), strings.HasPrefix(message, "Signature not yet current"):
		return fmt.Sprintf("this machine's clock is wrong, so AWS refuses what it signs: set it, as with timedatectl set-ntp true (%s)", code)
	case slices.Contains(unknown, code):
		return fmt.Sprintf("AWS doesn't know these credentials (%s): %s", code, choose)
	case slices.Contains(denied, code):
		return explainDenied(call, code, message)
	}
	return ""
}

// encodedMessage is what EC2 adds for sts:DecodeAuthorizationMessage: hundreds of characters.
var encodedMessage = regexp.MustCompile(`\s*Encoded authorization failure message:.*`)

// explainDenied says who may not do what. Most services say it themselves.
func explainDenied(call *smithy.OperationError, code, message string) string {
	message = strings.TrimSuffix(strings.TrimSpace(encodedMessage.ReplaceAllString(message, "")), ".")
	if !strings.Contains(message, "not authorized to perform:") {
		message = strings.TrimSuffix(fmt.Sprintf("%s is not allowed: %s", action(call), message), ": ")
	}
	return fmt.Sprintf("%s (%s%s): have that right given, or use another profile or role", message, code, requestID(call))
}

// prefixes are what IAM calls the services that the SDK calls otherwise. The others are their id in lower case.
var prefixes = map[string]string{
	"Auto Scaling": "autoscaling", "CloudWatch Logs": "logs", "Elastic Load Balancing v2": "elasticloadbalancing",
	"Route 53": "route53", "Secrets Manager": "secretsmanager",
}

// objectActions are what IAM calls the calls of S3 that have no right of their own.
var objectActions = map[string]string{"HeadObject": "GetObject", "HeadBucket": "ListBucket"}

// action is a call as IAM names it: route53:ListHostedZones.
func action(call *smithy.OperationError) string {
	prefix, ok := prefixes[call.ServiceID]
	if !ok {
		prefix = strings.ToLower(call.ServiceID)
	}
	operation := call.OperationName
	if other, ok := objectActions[operation]; ok && prefix == "s3" {
		operation = other
	}
	return prefix + ":" + operation
}

// explainCredentials is for a call that could not be signed.
func explainCredentials(call, inner *smithy.OperationError) string {
	var empty *credentials.StaticCredentialsEmptyError
	var session *ssocreds.InvalidTokenError
	text := call.Error()
	switch {
	case errors.As(call, &session), strings.Contains(text, "SSO token"), strings.Contains(text, "please reauthenticate"),
		inner.ServiceID == "SSO" && status(inner) == 401:
		return "the AWS login has expired: " + logIn
	case errors.As(call, &empty), strings.Contains(text, "no EC2 IMDS role found"):
		return "there are no AWS credentials: " + choose
	case !strings.Contains(text, "get credentials") && inner == call:
		return ""
	}
	if api, ok := errors.AsType[smithy.APIError](inner); ok {
		return "get AWS credentials: " + explainAnswer(inner, api)
	}
	if unreachable := explainConnection(inner); unreachable != "" {
		return "get AWS credentials: " + unreachable
	}
	return fmt.Sprintf("get AWS credentials: %s; %s", last(call), choose)
}
