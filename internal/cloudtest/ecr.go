package cloudtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// ECR is a model of Amazon ECR's API for images, of one account and region. Give its address to CloudFormation.Forward.
//
//   - BatchGetImage of an absent image answers with status 200 and a failure of the code ImageNotFound, and of an absent repository
//     with the error RepositoryNotFoundException (Amazon ECR API Reference, BatchGetImage).
//   - GetDownloadUrlForLayer gives a signed address in S3 for a layer or a config, by digest (API Reference, GetDownloadUrlForLayer).
//   - DescribePullThroughCacheRules lists the rules, each with the first part of the repositories' names (API Reference).
type ECR struct {
	Account string
	URL     string

	Refused  map[string]bool // operations that the caller has no right to
	Rules    []string        // prefixes of pull through caches
	Tampered bool            // configs have another content than their digest says

	mu     sync.Mutex
	images map[string]string // manifest by REPOSITORY:TAG and REPOSITORY@DIGEST
	repos  map[string]bool
	blobs  map[string]string // by digest
}

// NewECR starts a registry.
func NewECR(t *testing.T, account string) *ECR {
	t.Helper()
	e := &ECR{
		Account: account, Refused: map[string]bool{}, images: map[string]string{}, repos: map[string]bool{}, blobs: map[string]string{},
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	e.URL = server.URL
	return e
}

// Push puts an image's manifest into a repository and returns its digest.
func (e *ECR) Push(repository, tag, manifest string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	digest := digestOf(manifest)
	e.repos[repository] = true
	e.images[repository+":"+tag], e.images[repository+"@"+digest] = manifest, manifest
	return digest
}

// PushFor puts an image for one architecture into a repository, as docker build makes it, and returns its digest.
func (e *ECR) PushFor(repository, tag, architecture string) string {
	config := `{"os":"linux","architecture":"` + architecture + `"}`
	e.mu.Lock()
	e.blobs[digestOf(config)] = config
	e.mu.Unlock()
	return e.Push(repository, tag, `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",`+
		`"config":{"digest":"`+digestOf(config)+`"},"layers":[]}`)
}

// digestOf is the digest of a manifest or a layer.
func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ServeHTTP answers the calls of the API, and the addresses that it gives out.
func (e *ECR) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if blob, ok := strings.CutPrefix(r.URL.Path, "/layers/"); ok {
		text := e.blobs[blob]
		if e.Tampered {
			text += " "
		}
		_, _ = w.Write([]byte(text))
		return
	}
	var in struct {
		RegistryID     string `json:"registryId"`
		RepositoryName string `json:"repositoryName"`
		LayerDigest    string `json:"layerDigest"`
		ImageIDs       []struct {
			ImageTag, ImageDigest string
		} `json:"imageIds"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	target := r.Header.Get("X-Amz-Target")
	operation := target[strings.LastIndex(target, ".")+1:]
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch {
	case e.Refused[operation], in.RegistryID != e.Account:
		fail(w, "AccessDeniedException", "User: arn:aws:iam::1:user/ci is not authorized to perform: ecr:"+operation)
	case operation == "DescribePullThroughCacheRules":
		rules := []map[string]string{}
		for _, prefix := range e.Rules {
			rules = append(rules, map[string]string{"ecrRepositoryPrefix": prefix})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"pullThroughCacheRules": rules})
	case !e.repos[in.RepositoryName]:
		fail(w, "RepositoryNotFoundException", "The repository with name '"+in.RepositoryName+"' does not exist")
	case operation == "GetDownloadUrlForLayer":
		_ = json.NewEncoder(w).Encode(map[string]string{"downloadUrl": e.URL + "/layers/" + in.LayerDigest, "layerDigest": in.LayerDigest})
	case operation == "BatchGetImage":
		images, failures := []any{}, []any{}
		for _, id := range in.ImageIDs {
			key := in.RepositoryName + ":" + id.ImageTag
			if id.ImageDigest != "" {
				key = in.RepositoryName + "@" + id.ImageDigest
			}
			if manifest, ok := e.images[key]; ok {
				images = append(images, map[string]any{"imageManifest": manifest})
			} else {
				failures = append(failures, map[string]any{"failureCode": "ImageNotFound", "failureReason": "Requested image not found"})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"images": images, "failures": failures})
	default:
		fail(w, "UnknownOperationException", operation)
	}
}

// fail writes an error in the form of the JSON protocol.
func fail(w http.ResponseWriter, code, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}
