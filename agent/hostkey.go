package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/crypto/ssh"

	"github.com/pebble/spacel/agent/document"
)

// hostKeyFiles are sshd's public host keys, the best first. The value of a tag has room for 256 characters (EC2 API, Tag), which is
// too little for an RSA key.
var hostKeyFiles = []string{"etc/ssh/ssh_host_ed25519_key.pub", "etc/ssh/ssh_host_ecdsa_key.pub"}

// recordTimeout is how long the boot waits for EC2 to take the tag. A stack of an older build has no right to it, and the client
// would repeat a refused call for longer.
const recordTimeout = 10 * time.Second

// recordHostKey writes the instance's SSH host key into a tag, where spacel ssh finds it before its first connection. A missing
// record fails no boot: spacel ssh says so when somebody logs in.
func recordHostKey(ctx context.Context, b *Boot) error {
	key, err := hostKey(b.Machine)
	if errors.Is(err, fs.ErrNotExist) {
		b.Log.Warn("the SSH host key is not recorded: the image has none of " + strings.Join(hostKeyFiles, ", "))
		return nil
	}
	if err == nil {
		err = tagHostKey(ctx, b, key)
	}
	if err != nil {
		b.Log.Warn("the SSH host key is not recorded, so spacel ssh will ask for --accept-host-key", "error", err)
	}
	return nil
}

// hostKey reads the first public host key there is, without its comment.
func hostKey(m Machine) (string, error) {
	// cloud-init makes new keys at the first boot of an instance, before the agent runs, so an image's keys are not shared.
	for _, name := range hostKeyFiles {
		text, err := m.readFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(text)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), nil
	}
	return "", fs.ErrNotExist
}

// tagHostKey writes the tag of this instance.
func tagHostKey(ctx context.Context, b *Boot, key string) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	_, err := b.AWS.EC2.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: []string{b.Instance.ID},
		Tags:      []types.Tag{{Key: aws.String(document.TagHostKey), Value: &key}},
	})
	if err != nil {
		return fmt.Errorf("tag the instance: %w", err)
	}
	return nil
}
