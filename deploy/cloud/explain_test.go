package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func TestExplainAnswers(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	const user = "User: arn:aws:iam::123456789012:user/me is not authorized to perform: sts:GetCallerIdentity on resource: *"
	for _, c := range []struct {
		status        int
		code, message string
		want          string
	}{
		{400, "ExpiredToken", "The security token included in the request is expired",
			"the AWS credentials have expired: log in again, as with aws sso login (and --profile)"},
		{403, "InvalidClientTokenId", "The security token included in the request is invalid.",
			"AWS doesn't know these credentials (InvalidClientTokenId): name a profile"},
		{403, "SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than", "this machine's clock is wrong"},
		{403, "SignatureDoesNotMatch", "The request signature we calculated does not match",
			"AWS doesn't know these credentials (SignatureDoesNotMatch)"},
		{403, "AccessDenied", user, user + " (AccessDenied, request req-1): have that right given, or use another profile or role"},
		{403, "AccessDenied", "Access Denied", "sts:GetCallerIdentity is not allowed: Access Denied (AccessDenied, request req-1): have"},
		{403, "AccessDenied", "", "sts:GetCallerIdentity is not allowed (AccessDenied, request req-1): have"},
		{403, "UnauthorizedOperation", user + ". Encoded authorization failure message: AbCd-_123",
			user + " (UnauthorizedOperation, request req-1)"},
		{400, "ValidationError", "Stack x does not exist.", "Stack x does not exist (ValidationError, request req-1)"},
		{400, "Odd", "", "AWS gives no reason (Odd, request req-1)"},
	} {
		s := newServer(t)
		s.before = func(_ int, w http.ResponseWriter, _ request) bool {
			refuse(w, c.status, c.code, c.message)
			return true
		}
		_, err := connect(t, Access{Endpoint: s.URL}).Identity(t.Context(), "eu-west-1")
		explains(t, err, "find out whose AWS credentials these are: "+c.want)
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != c.code {
			t.Errorf("%s is lost", c.code)
		}
	}
}

func TestExplainWhatStayedBroken(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	for code, want := range map[string]string{
		"Throttling": "AWS throttles sts:GetCallerIdentity after 2 attempts",
		"InternalFailure": "AWS fails to answer sts:GetCallerIdentity after 2 attempts: it broke (InternalFailure, request req-1); run " +
			"it again later",
	} {
		s := newServer(t)
		s.before = func(_ int, w http.ResponseWriter, _ request) bool {
			refuse(w, 500, code, "it broke")
			return true
		}
		_, err := connect(t, Access{Endpoint: s.URL}).Default().STS().GetCallerIdentity(t.Context(), nil,
			func(o *sts.Options) { o.RetryMaxAttempts = 2 })
		explains(t, Explain(err), want)
	}
}

func TestExplainHeadOfAnObject(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	s := newServer(t)
	s.before = func(_ int, w http.ResponseWriter, _ request) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	_, err := connect(t, Access{Endpoint: s.URL}).Default().S3().HeadObject(t.Context(),
		&s3.HeadObjectInput{Bucket: new("b"), Key: new("k")})
	explains(t, Explain(err), "s3:GetObject is not allowed (Forbidden): have")
}

func TestExplainConnections(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + port.Addr().String()
	port.Close()
	_, err = connect(t, Access{Endpoint: closed}).Identity(t.Context(), "eu-west-1")
	explains(t, err, "cannot reach "+closed+": connection refused; check the network")
}

func TestExplainCredentials(t *testing.T) {
	s := newServer(t)
	sso := fmt.Sprintf("[profile sso]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\nregion = eu-west-1\n[sso-session "+
		"s]\nsso_start_url = %s\nsso_region = eu-west-1\n", s.URL)
	for name, c := range map[string]struct {
		profile, configuration, want string
	}{
		"none":    {"", "", "there are no AWS credentials: name a profile with --profile or AWS_PROFILE"},
		"sso":     {"sso", sso, "the AWS login has expired: log in again"},
		"process": {"p", "[profile p]\ncredential_process = false\n", "get AWS credentials: "},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.configuration, "HOME="+t.TempDir())
			_, err := connect(t, Access{Profile: c.profile, Endpoint: s.URL}).Identity(t.Context(), "eu-west-1")
			explains(t, err, c.want)
		})
	}
}

func TestExplainRoleThatIsRefused(t *testing.T) {
	environment(t, "", strings.Fields(keys)...)
	s := newServer(t)
	s.before = func(_ int, w http.ResponseWriter, r request) bool {
		if r.action == "AssumeRole" {
			refuse(w, 403, "AccessDenied", "no")
		}
		return r.action == "AssumeRole"
	}
	_, err := connect(t, Access{Endpoint: s.URL, RoleARN: "arn:aws:iam::1:role/x"}).Identity(t.Context(), "eu-west-1")
	explains(t, err, "get AWS credentials: sts:AssumeRole is not allowed: no (AccessDenied")
}

func TestExplainLeavesTheRest(t *testing.T) {
	plain := errors.New("plain")
	if Explain(plain) != plain || Explain(nil) != nil {
		t.Error("it changes what is not the SDK's")
	}
	environment(t, "", strings.Fields(keys)...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := connect(t, Access{Endpoint: newServer(t).URL}).Identity(ctx, "eu-west-1")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	again := Explain(fmt.Errorf("again: %w", err))
	explains(t, again, "again: find out whose AWS credentials these are: interrupted")
}

func explains(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %s", want)
		return
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "operation error") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
