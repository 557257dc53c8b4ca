package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"go.yaml.in/yaml/v3"

	"github.com/pebble/spacel/agent/document"
)

// maxDocument is how large user data or an asset may be. EC2 takes 16 KB of the former.
const maxDocument = document.MaxAsset

// load reads the instance's document from where cloud-init put it, or else out of user data itself.
func load(ctx context.Context, root string, metadata *imds.Client) (*document.Document[string], error) {
	data, err := os.ReadFile(filepath.Join(root, document.Path))
	if errors.Is(err, fs.ErrNotExist) {
		data, err = fromUserData(ctx, metadata)
	}
	if err != nil {
		return nil, fmt.Errorf("read the instance document: %w", err)
	}
	d, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("read the instance document: %w", err)
	}
	return d, nil
}

// parse reads a document. An unknown field is an error: a later release may ask for something that this agent cannot do.
func parse(data []byte) (*document.Document[string], error) {
	var version struct{ Format int }
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, err
	}
	if version.Format != document.Format {
		return nil, fmt.Errorf("it has format %d, and this agent knows %d: deploy with --upgrade agent", version.Format, document.Format)
	}
	d := &document.Document[string]{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	// The format is checked first: its message says more than the name of an unknown field.
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(d); err != nil {
		return nil, fmt.Errorf("%w: if the agent is older than the templates, deploy with --upgrade agent", err)
	}
	return d, nil
}

// fromUserData finds the document among the files that user data has cloud-init write.
func fromUserData(ctx context.Context, metadata *imds.Client) ([]byte, error) {
	out, err := metadata.GetUserData(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("%s is not there, and the metadata service gives no user data: %w", document.Path, err)
	}
	defer out.Content.Close()
	data, err := io.ReadAll(io.LimitReader(out.Content, maxDocument))
	if err != nil {
		return nil, fmt.Errorf("read user data: %w", err)
	}
	return writtenFile(data, document.Path)
}

// writtenFile is the content of a file that cloud-config writes.
func writtenFile(cloudConfig []byte, path string) ([]byte, error) {
	// Other keys of the cloud-config are not read: cloud-init has carried them out already.
	var config struct {
		Files []struct{ Path, Content string } `yaml:"write_files"`
	}
	if err := yaml.Unmarshal(cloudConfig, &config); err != nil {
		return nil, errors.New("user data is not a cloud-config") // the cause would quote it
	}
	for _, file := range config.Files {
		if file.Path == path {
			return []byte(file.Content), nil
		}
	}
	return nil, fmt.Errorf("%s is not there, and user data does not write it", path)
}
