// Package kmstest plays KMS to tests, over HTTP: it wraps and unwraps data keys as KMS does, bound to a region, an alias and an
// encryption context.
package kmstest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// request is the part of KMS's requests that matters here.
// The same fields serve Decrypt, Encrypt and GenerateDataKey. JSON leaves out the fields of the other calls.
type request struct {
	KeyId             string
	CiphertextBlob    []byte
	Plaintext         []byte
	EncryptionContext map[string]string
}

// wrapped is the content of a ciphertext of this KMS.
// Real KMS keeps the key's id in the ciphertext, too, and binds the encryption context to it as additional data.
type wrapped struct {
	Region, Alias string
	Context       map[string]string
	DataKey       []byte
}

// Server is a KMS with every alias in every region.
// Tests of secrets use it instead of an emulator, since it needs no other program and starts at once.
type Server struct {
	*httptest.Server
	master cipher.AEAD
}

// New starts a KMS that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	if s.master, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// Client is the SDK's own, of a region.
func (s *Server) Client(region string) *kms.Client {
	return kms.New(kms.Options{Region: region, BaseEndpoint: aws.String(s.URL), Credentials: aws.CredentialsProviderFunc(credentials),
		RetryMaxAttempts: 1})
}

// Wrap is a data key as the KMS of a region gives it away.
func (s *Server) Wrap(region, alias string, bound map[string]string, dataKey []byte) []byte {
	plain, err := json.Marshal(wrapped{Region: region, Alias: alias, Context: bound, DataKey: dataKey})
	if err != nil {
		panic(err) // these always marshal
	}
	return s.master.Seal(nil, nil, plain, nil)
}

// credentials are accepted with any value: the server checks no signature.
func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
}

// serve answers a call. KMS speaks JSON over POST, and the header X-Amz-Target names the operation (TrentService is KMS).
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var q request
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		fail(w, "SerializationException")
		return
	}
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.Decrypt":
		s.decrypt(w, regionOf(r), q)
	case "TrentService.GenerateDataKey":
		key := make([]byte, 32)
		rand.Read(key)
		answer(w, map[string]any{"KeyId": q.KeyId, "Plaintext": key,
			"CiphertextBlob": s.Wrap(regionOf(r), q.KeyId, q.EncryptionContext, key)})
	case "TrentService.Encrypt":
		answer(w, map[string]any{"KeyId": q.KeyId, "CiphertextBlob": s.Wrap(regionOf(r), q.KeyId, q.EncryptionContext, q.Plaintext)})
	default:
		fail(w, "UnknownOperationException")
	}
}

// decrypt unwraps a data key. As KMS does, it answers InvalidCiphertextException without a reason when the region or the
// encryption context differ, and IncorrectKeyException when the caller names another key.
func (s *Server) decrypt(w http.ResponseWriter, region string, q request) {
	plain, err := s.master.Open(nil, nil, q.CiphertextBlob, nil)
	var held wrapped
	if err != nil || json.Unmarshal(plain, &held) != nil || held.Region != region || !maps.Equal(held.Context, q.EncryptionContext) {
		fail(w, "InvalidCiphertextException")
		return
	}
	if q.KeyId != "" && q.KeyId != held.Alias {
		fail(w, "IncorrectKeyException")
		return
	}
	answer(w, map[string]any{"KeyId": held.Alias, "Plaintext": held.DataKey})
}

// regionOf returns the region in a request's signature: Credential=id/date/region/kms/aws4_request.
func regionOf(r *http.Request) string {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if parts := strings.Split(scope, "/"); len(parts) > 2 {
		return parts[2]
	}
	return ""
}

// answer writes a result as KMS's JSON protocol does.
func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(body) // a client that is gone hears nothing
}

// fail writes an error. Every error has the status 400; header and body name the code.
func fail(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code})
}
