package cloud

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// AnswerError is an answer that AWS did not write: a page of a proxy, or nothing where AWS always answers something. The SDK
// would report a page as malformed XML, and take an empty answer for one with no elements.
type AnswerError struct {
	Status int    // of HTTP
	What   string // the answer, in words
}

// Error describes the answer, and names the endpoint and the proxy as the likely causes.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("the answer is not from AWS: HTTP status %d with %s; check the endpoint (--endpoint-url, AWS_ENDPOINT_URL) "+
		"and a proxy between here and AWS (HTTPS_PROXY)", e.Status, e.What)
}

// mayPass reports whether another attempt may get a better answer.
func (e *AnswerError) mayPass() bool {
	return e.Status >= http.StatusInternalServerError || e.Status == http.StatusOK && e.What == emptyAnswer
}

const emptyAnswer = "an empty body"

// checkAnswers adds a look at each answer before the SDK reads it.
func checkAnswers(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("spacel:CheckAnswer", checkAnswer), middleware.After)
}

// checkAnswer examines each answer that arrived. It runs before the SDK's own reading of the body.
func checkAnswer(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	if response, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil {
		err = examine(response, awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx))
	}
	return out, metadata, err
}

// sniffed is how many bytes of a body are looked at. A page says what it is at its beginning.
const sniffed = 2048

// examine returns an AnswerError for an answer that AWS did not write. It reads the beginning of the body, and leaves the body whole.
func examine(response *smithyhttp.Response, service, operation string) error {
	success := response.StatusCode < http.StatusMultipleChoices
	if service == "S3" && success {
		return nil // an object may be empty, or a page
	}
	body := bufio.NewReaderSize(response.Body, sniffed)
	head, err := body.Peek(sniffed)
	response.Body = struct {
		io.Reader
		io.Closer
	}{body, response.Body}
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\ufeff")))
	switch {
	case len(text) == 0 && err == io.EOF && success && alwaysAnswers(service, operation):
		return &AnswerError{response.StatusCode, emptyAnswer}
	case len(text) == 0:
		return nil
	case page.Match(text):
		return &AnswerError{response.StatusCode, "an HTML page" + titleOf(text)}
	case !success && text[0] != '<' && text[0] != '{' && service != "S3" && !isCBOR(response, text):
		return &AnswerError{response.StatusCode, fmt.Sprintf("the text %.80q", text)}
	}
	return nil
}

// isCBOR reports whether an answer has the form of Smithy RPC v2, which CloudWatch uses: a CBOR map, whose first byte is 0xa0 to 0xbf,
// and a header that names the protocol (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html).
func isCBOR(response *smithyhttp.Response, text []byte) bool {
	return response.Header.Get("smithy-protocol") == "rpc-v2-cbor" && text[0]&0xe0 == 0xa0
}

var (
	page  = regexp.MustCompile(`(?i)^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype\s+html|html|head|body)\b`)
	title = regexp.MustCompile(`(?is)<title>\s*([^<]{1,200}?)\s*</title>`)
)

// titleOf returns a page's title for a message, "" if there is none.
func titleOf(text []byte) string {
	if m := title.FindSubmatch(text); m != nil {
		return fmt.Sprintf(" (%q)", strings.Join(strings.Fields(string(m[1])), " "))
	}
	return ""
}

// alwaysAnswers reports whether AWS always sends a body after this call. The services with the query protocol, Route 53 and DynamoDB
// do after every call. The others do after calls that ask for something, and KMS, for one, sends nothing after CreateAlias.
func alwaysAnswers(service, operation string) bool {
	if slices.Contains([]string{
		"CloudFormation", "STS", "EC2", "Auto Scaling", "Elastic Load Balancing v2", "Route 53", "DynamoDB", "IAM",
	}, service) {
		return true
	}
	return service != "S3" && slices.ContainsFunc([]string{
		"Describe", "Get", "List", "BatchGet", "Query", "Scan", "Filter", "Encrypt", "Decrypt", "GenerateDataKey", "ReEncrypt", "CreateKey",
		"GenerateMac", "VerifyMac",
	}, func(verb string) bool { return strings.HasPrefix(operation, verb) })
}
