package cloudtest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// bucket is a bucket of S3.
type bucket struct {
	region  string
	key     string // the KMS key of its default encryption, "" for S3's own
	objects map[string][]byte

	versions map[string][]byte                    // by key and version id; nil without versioning
	intruder func(key string, body []byte) []byte // see Intrude
}

// Bucket creates a bucket in a region and returns its name, which no other test uses.
func (c *CloudFormation) Bucket(t testing.TB, region string) string {
	name := fmt.Sprintf("spacel-%s-%s", Account(t), region)
	c.BucketNamed(name, region)
	return name
}

// BucketNamed creates a bucket.
func (c *CloudFormation) BucketNamed(name, region string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buckets[name] = &bucket{region: region, objects: map[string][]byte{}}
}

// EncryptBucket sets a customer's KMS key as the default encryption of a bucket.
func (c *CloudFormation) EncryptBucket(name, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buckets[name].key = key
}

// Versions turns versioning on for a bucket. A PUT returns a version id, and an address with versionId= means that version:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/manage-objects-versioned-bucket.html
func Versions(c *CloudFormation, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buckets[name].versions = map[string][]byte{}
}

// Intrude has somebody else, who may write to a bucket, exchange each new object right after its upload. A Lambda function on the
// bucket's events could do that before CloudFormation fetches a template.
func Intrude(c *CloudFormation, name string, exchange func(key string, body []byte) []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buckets[name].intruder = exchange
}

// Object returns an object's body, nil if there is none.
func (c *CloudFormation) Object(bucket, key string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.buckets[bucket]; b != nil {
		return b.objects[key]
	}
	return nil
}

// SetObject replaces an object, as somebody with rights on the bucket could. Without a body it is deleted.
func SetObject(c *CloudFormation, bucket, key string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if body == nil {
		delete(c.buckets[bucket].objects, key)
		return
	}
	c.buckets[bucket].objects[key] = body
}

// serveS3 answers the calls of S3 that deploy makes. The bucket is in the path.
func (c *CloudFormation) serveS3(w http.ResponseWriter, r *http.Request, region string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls["s3:"+s3Operation(r, key)]++
	b, ok := c.buckets[name]
	switch {
	case !ok:
		s3Refuse(w, r, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	// A bucket answers only calls that were signed for its own region. The header tells the SDK the right one.
	case b.region != region && r.Header.Get("Authorization") != "":
		w.Header().Set("X-Amz-Bucket-Region", b.region)
		s3Refuse(w, r, http.StatusMovedPermanently, "PermanentRedirect",
			"The bucket you are attempting to access must be addressed using the specified endpoint.")
	case key == "":
		b.serve(w, r)
	default:
		b.serveObject(w, r, key, body)
	}
}

// s3Operation names a call for the counts: HeadBucket, PutObject, or GetBucket?location for one of a bucket's settings.
// S3 has no operation names in its requests: method, path and query together say which operation it is.
func s3Operation(r *http.Request, key string) string {
	method := r.Method[:1] + strings.ToLower(r.Method[1:])
	switch {
	case key != "":
		return method + "Object"
	case r.URL.RawQuery != "":
		return method + "Bucket?" + strings.SplitN(r.URL.RawQuery, "&", 2)[0]
	}
	return method + "Bucket"
}

// s3Refuse answers with an error. The answer to a HEAD request has no body, so the SDK only sees the status there.
func s3Refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>", code, message, requestID)
	}
}

// serve answers calls about the bucket itself: HeadBucket, GetBucketEncryption and GetBucketLocation.
func (b *bucket) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amz-Bucket-Region", b.region)
	w.Header().Set("Content-Type", "application/xml")
	switch {
	case r.URL.Query().Has("encryption"):
		algorithm := "<SSEAlgorithm>AES256</SSEAlgorithm>"
		if b.key != "" {
			algorithm = "<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>" + b.key + "</KMSMasterKeyID>"
		}
		fmt.Fprintf(w, "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>%s"+
			"</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>", algorithm)
	case r.URL.Query().Has("location"):
		fmt.Fprintf(w, "<LocationConstraint>%s</LocationConstraint>", b.region)
	}
}

// serveObject stores, deletes or returns an object. If-None-Match: * makes a PUT fail if the object exists (412), so two
// deploys that upload the same file do not overwrite each other.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (b *bucket) serveObject(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	found, ok := b.objects[key]
	switch r.Method {
	case http.MethodPut:
		if ok && r.Header.Get("If-None-Match") == "*" {
			s3Refuse(w, r, http.StatusPreconditionFailed, "PreconditionFailed",
				"At least one of the pre-conditions you specified did not hold")
			return
		}
		b.objects[key] = unchunked(r, body)
		w.Header().Set("ETag", `"`+digest(32, b.objects[key])+`"`)
		if b.versions != nil {
			id := digest(32, b.objects[key])
			b.versions[key+" "+id] = b.objects[key]
			w.Header().Set("X-Amz-Version-Id", id)
		}
		if b.intruder != nil {
			b.objects[key] = b.intruder(key, b.objects[key])
		}
	case http.MethodDelete:
		delete(b.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		if !ok {
			s3Refuse(w, r, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
			return
		}
		w.Header().Set("ETag", `"`+digest(32, found)+`"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(found)))
		_, _ = w.Write(found)
	}
}

// unchunked removes the framing aws-chunked from a body: each chunk follows its size in hex, and checksums come last.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func unchunked(r *http.Request, body []byte) []byte {
	if !strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		return body
	}
	var plain []byte
	for rest := string(body); ; {
		head, after, _ := strings.Cut(rest, "\r\n")
		var size int
		if _, err := fmt.Sscanf(head, "%x", &size); err != nil || size == 0 {
			return plain
		}
		plain = append(plain, after[:size]...)
		rest = after[size+2:]
	}
}

// templateAt reads a template from its address in S3, with the bucket in the host name or in the path.
func (c *call) templateAt(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", invalid("TemplateURL must be a supported URL.")
	}
	host, path, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if name, _, ok := strings.Cut(u.Host, ".s3."); ok {
		host, path = name, strings.TrimPrefix(u.Path, "/")
	}
	b := c.buckets[host]
	if b == nil {
		return "", invalid("S3 error: The specified bucket does not exist\nFor more information check " +
			"http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html")
	}
	body, ok := b.objects[path]
	if version := u.Query().Get("versionId"); version != "" {
		body, ok = b.versions[path+" "+version]
	}
	switch {
	// CloudFormation reads the template with the caller's rights. S3 answers 403 for a missing object to a caller who must not
	// list the bucket, so a wrong key looks like a missing permission.
	case !ok:
		return "", invalid("S3 error: Access Denied\nFor more information check " +
			"http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html")
	case len(body) > urlLimit:
		return "", invalid("Template may not exceed %d bytes in size.", urlLimit)
	}
	return string(body), nil
}
