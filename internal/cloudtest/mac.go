package cloudtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// macCalls answers GenerateMac and VerifyMac for keys of stacks.
//
// An alias that does not exist is a NotFoundException, a key for another use an InvalidKeyUsageException, and a wrong MAC a
// KMSInvalidMacException: MacValid is never false (KMS API Reference, GenerateMac and VerifyMac). A message has 1 to 4,096 bytes.
type macCalls struct{ *CloudFormation }

// serve answers a call about a MAC. Others go to the server of Forward.
func (c macCalls) serve(w http.ResponseWriter, r *http.Request, region string) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	target := r.Header.Get("X-Amz-Target")
	operation := target[strings.LastIndex(target, ".")+1:]
	if err != nil || operation != "GenerateMac" && operation != "VerifyMac" {
		c.forwardCall(w, r, "kms")
		return
	}
	c.count("kms", operation)
	var in struct {
		KeyId, MacAlgorithm string
		Message, Mac        []byte
	}
	_ = json.Unmarshal(body, &in) // an unreadable call has no key
	answer, code := c.answer(region, operation, in.KeyId, in.MacAlgorithm, in.Message, in.Mac)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]any{"__type": code, "message": "kms:" + operation + " of " + in.KeyId}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// answer returns the answer, or the code of the refusal.
func (c macCalls) answer(region, operation, alias, algorithm string, message, mac []byte) (answer map[string]any, code string) {
	key, usage := c.key(region, alias)
	switch {
	case key == "":
		return nil, "NotFoundException"
	case usage != "GENERATE_VERIFY_MAC" || algorithm != "HMAC_SHA_256":
		return nil, "InvalidKeyUsageException"
	case len(message) < 1 || len(message) > 4096:
		return nil, "ValidationException"
	}
	// The secret follows from the account, the region and the key, so another orbit's key makes another MAC.
	hash := hmac.New(sha256.New, []byte(c.engine.account+region+key))
	hash.Write(message)
	sum := hash.Sum(nil)
	answer = map[string]any{"KeyId": key, "MacAlgorithm": algorithm}
	if operation == "GenerateMac" {
		answer["Mac"] = sum
		return answer, ""
	}
	if !hmac.Equal(sum, mac) {
		return nil, "KMSInvalidMacException"
	}
	answer["MacValid"] = true
	return answer, ""
}

// key returns the key of an alias and its usage, "" if no stack has the alias.
func (c macCalls) key(region, alias string) (id, usage string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.advance(time.Now())
	for _, s := range c.engine.stacks {
		if s.region != region || !s.deleted.IsZero() {
			continue
		}
		for _, r := range s.resources {
			if r.Type != "AWS::KMS::Alias" || r.Physical != alias || !r.exists() {
				continue
			}
			id = text(r.Properties["TargetKeyId"])
			for _, k := range s.resources {
				if k.Type == "AWS::KMS::Key" && k.Physical == id && k.exists() {
					return id, text(k.Properties["KeyUsage"])
				}
			}
		}
	}
	return "", ""
}
