package cloudtest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/middleware"
)

// AWS's query protocol: a form comes in, XML goes out, and both spell the fields as the SDK's types do.

// readForm reads the form of a call. The body can be read again, by the server of Forward.
func readForm(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return url.ParseQuery(string(body))
}

// decode fills an operation's input from a form. A list has the keys Name.member.1, Name.member.2 and so on.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonParameters.html
func decode(form url.Values, input any) error {
	return decodeStruct(form, "", reflect.ValueOf(input).Elem())
}

// decodeStruct fills the exported fields of a struct. The SDK's fields have the names of the form's keys.
func decodeStruct(form url.Values, prefix string, v reflect.Value) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if err := decodeValue(form, prefix+field.Name, v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

// decodeValue fills one field. A pointer stays nil unless the form has its key, so an absent value differs from an empty
// one: executeChangeSet tells a missing DisableRollback from false.
func decodeValue(form url.Values, key string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Slice:
		return decodeList(form, key, v)
	case reflect.Struct:
		return decodeStruct(form, key+".", v)
	case reflect.Pointer:
		if !present(form, key) {
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return decodeValue(form, key, v.Elem())
	}
	if !form.Has(key) {
		return nil
	}
	return decodeScalar(form.Get(key), key, v)
}

// decodeScalar reads a text, a truth value or a number. Enums of the SDK are texts.
func decodeScalar(text, key string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		v.SetBool(b)
	case reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		v.SetInt(n)
	}
	return nil
}

// decodeList reads elements until a number is missing.
func decodeList(form url.Values, key string, v reflect.Value) error {
	for n := 1; present(form, fmt.Sprintf("%s.member.%d", key, n)); n++ {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := decodeValue(form, fmt.Sprintf("%s.member.%d", key, n), element); err != nil {
			return err
		}
		v.Set(reflect.Append(v, element))
	}
	// The SDK sends an empty list as the bare key (Tags=), which is different from no list at all.
	if v.Len() == 0 && form.Has(key) {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	}
	return nil
}

// present reports whether the form has the key or a key below it.
func present(form url.Values, key string) bool {
	for k := range form {
		if k == key || strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}

// encode returns an operation's output as XML.
func encode(operation string, output any) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<%sResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><%sResult>`, operation, operation)
	encodeStruct(&b, reflect.ValueOf(output).Elem())
	fmt.Fprintf(&b, `</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`, operation, requestID,
		operation)
	return []byte(b.String())
}

// requestID is the same in all answers: the SDK shows it in its errors, and tests compare their texts.
const requestID = "00000000-0000-4000-8000-000000000000"

// encodeStruct writes the exported fields of a struct, without the SDK's own metadata of a result.
func encodeStruct(b *strings.Builder, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || field.Type == reflect.TypeFor[middleware.Metadata]() {
			continue
		}
		encodeField(b, field.Name, v.Field(i))
	}
}

// encodeField writes one field as an XML element. nil fields are left out, and a list has elements named member.
func encodeField(b *strings.Builder, name string, v reflect.Value) {
	if v.Kind() == reflect.Slice {
		if v.IsNil() {
			return
		}
		fmt.Fprintf(b, "<%s>", name)
		for i := range v.Len() {
			encodeField(b, "member", v.Index(i))
		}
		fmt.Fprintf(b, "</%s>", name)
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	} else if v.Kind() == reflect.String && v.Len() == 0 {
		return // an unset enum
	}
	fmt.Fprintf(b, "<%s>", name)
	encodeScalar(b, v)
	fmt.Fprintf(b, "</%s>", name)
}

// encodeScalar writes a time in UTC with milliseconds, as CloudFormation does, and other values as text.
func encodeScalar(b *strings.Builder, v reflect.Value) {
	if at, ok := v.Interface().(time.Time); ok {
		b.WriteString(at.UTC().Format("2006-01-02T15:04:05.000Z"))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		encodeStruct(b, v)
	case reflect.String:
		_ = xml.EscapeText(b, []byte(v.String()))
	default:
		fmt.Fprint(b, v.Interface())
	}
}

// refusal is an error that AWS answers with.
type refusal struct {
	status        int
	code, message string
}

// Error returns code and message.
func (r *refusal) Error() string { return r.code + ": " + r.message }

// xml returns the error in the form of the query protocol.
func (r *refusal) xml() []byte {
	var b strings.Builder
	b.WriteString(`<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>`)
	_ = xml.EscapeText(&b, []byte(r.code))
	b.WriteString("</Code><Message>")
	_ = xml.EscapeText(&b, []byte(r.message))
	fmt.Fprintf(&b, "</Message></Error><RequestId>%s</RequestId></ErrorResponse>", requestID)
	return []byte(b.String())
}

// invalid returns a ValidationError, the code that CloudFormation uses for nearly every mistake.
func invalid(format string, args ...any) error {
	// The code is the same for an unknown stack, a wrong state and a bad template. Only the message tells them apart.
	return &refusal{400, "ValidationError", fmt.Sprintf(format, args...)}
}

// refuse returns an error with a code of its own.
func refuse(code, format string, args ...any) error {
	return &refusal{400, code, fmt.Sprintf(format, args...)}
}
