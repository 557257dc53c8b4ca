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

// AWS's services use several codes for one cause. The lists are from the common errors of each service's API
// reference; S3 and EC2 have codes of their own.
var (
	expired = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
	unknown = []string{"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken",
		"MissingAuthenticationToken",
		"MissingAuthenticationTokenException", "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "AuthFailure"}
	skewed = []string{"RequestTimeTooSkewed", "RequestExpired"}
	denied = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized", "Forbidden",
		"UnauthorizedException", "KMS.AccessDeniedException"}
)

// The advice is the same for every way in which credentials can fail.
const (
	logIn  = "log in again, as with aws sso login (and --profile)"
	choose = "name a profile with --profile or AWS_PROFILE, log in with aws sso login, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)

// explainRefusal explains an answer that rejects the caller, whatever the call was for: expired or unknown
// credentials, a wrong clock, permission denied. It returns "" for any other code.
func explainRefusal(call *smithy.OperationError, code, message string) string {
	switch {
	case slices.Contains(expired, code):
		return "the AWS credentials have expired: " + logIn
	case slices.Contains(skewed, code), strings.HasPrefix(message, "Signature expired"),
		strings.HasPrefix(message, "Signature not yet current"):
		return fmt.Sprintf("this machine's clock is wrong, so AWS refuses what it signs: set it, as with timedatectl set-ntp true (%s)",
			code)
	case slices.Contains(unknown, code):
		return fmt.Sprintf("AWS doesn't know these credentials (%s): %s", code, choose)
	case slices.Contains(denied, code):
		return explainDenied(call, code, message)
	}
	return ""
}

// IsDenied reports whether AWS refused a call because a permission is missing.
func IsDenied(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(denied, api.ErrorCode())
}

// encodedMessage matches EC2's appendix for sts:DecodeAuthorizationMessage, which is hundreds of characters long.
var encodedMessage = regexp.MustCompile(`\s*Encoded authorization failure message:.*`)

// explainDenied names the caller and the action that permission was denied for. Most services name both in their
// message; for the others the action is taken from the call.
func explainDenied(call *smithy.OperationError, code, message string) string {
	message = strings.TrimSuffix(strings.TrimSpace(encodedMessage.ReplaceAllString(message, "")), ".")
	if !strings.Contains(message, "not authorized to perform:") {
		message = strings.TrimSuffix(fmt.Sprintf("%s is not allowed: %s", action(call), message), ": ")
	}
	return fmt.Sprintf("%s (%s%s): have that right given, or use another profile or role", message, code, requestID(call))
}

// prefixes holds the IAM prefixes that differ from the SDK's service id in lower case.
var prefixes = map[string]string{
	"Auto Scaling": "autoscaling", "CloudWatch Logs": "logs", "Elastic Load Balancing v2": "elasticloadbalancing",
	"Route 53": "route53", "Secrets Manager": "secretsmanager",
}

// objectActions maps the calls of S3 which have no IAM action of their own to the action that allows them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
var objectActions = map[string]string{"HeadObject": "GetObject", "HeadBucket": "ListBucket"}

// action returns a call's name in IAM policies, for example route53:ListHostedZones.
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

// explainCredentials explains a call that could not be signed, because the SDK found no credentials or failed to get
// them. It returns "" for any other error.
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
	// Neither the SDK's text nor a failed inner call points to credentials.
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
