package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// takenFile names the instance from which an address was taken. It exists until the boot has succeeded.
const takenFile = "/var/lib/spacel/address.json"

// taken is an elastic address and its former instance.
type taken struct {
	Allocation string `json:"allocation"`
	From       string `json:"from"`
}

// rememberTaken writes takenFile. It is called before the address moves, so that a crash in between leaves a record too
// many rather than none.
func (s sharedAddresses) rememberTaken(t taken) error {
	text, err := json.Marshal(t)
	if err == nil {
		err = s.machine.writeFile(takenFile, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("record the elastic address to take over: %w", err)
	}
	return nil
}

// keepAddress deletes takenFile once the boot is healthy: from then on the address is not given back.
func keepAddress(_ context.Context, b *Boot) error {
	err := os.Remove(filepath.Join(b.Machine.Root, takenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// giveBackAddress returns an address that this failed boot took over, if its former instance still runs. Else a failed
// update would leave the old, healthy version without its address.
func giveBackAddress(ctx context.Context, b *Boot) error {
	text, err := b.Machine.readFile(takenFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var t taken
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		return fmt.Errorf("read the record of an elastic address taken over: %w", err)
	}
	if err := newSharedAddresses(b).giveBack(ctx, t); err != nil {
		return err
	}
	return keepAddress(ctx, b)
}

// giveBack returns an address to its former instance, unless that one has another address or no longer runs, or a newer
// instance has taken the address since.
func (s sharedAddresses) giveBack(ctx context.Context, t taken) error {
	all, err := s.describe(ctx)
	if err != nil {
		return err
	}
	holds := map[string]string{}
	// The former instance may have got another address from a third one in the meantime; it must not end up with two.
	for _, a := range all {
		holds[aws.ToString(a.AllocationId)] = aws.ToString(a.InstanceId)
		if aws.ToString(a.InstanceId) == t.From {
			s.log.Info("the elastic address is not given back: the instance it is from has another", "instance", t.From)
			return nil
		}
	}
	if holds[t.Allocation] != s.instance {
		return nil // it was taken over in turn
	}
	known, err := describeInstances(ctx, s.ec2, []string{t.From})
	if err != nil {
		return err
	}
	if state := stateOf(known[t.From]); state != ec2types.InstanceStateNameRunning {
		s.log.Info("the elastic address is not given back: the instance it is from is gone", "instance", t.From, "state", stateText(state))
		return nil
	}
	if err := s.associate(ctx, t.Allocation, t.From, true); err != nil {
		return err
	}
	s.log.Info("elastic address given back", "address", t.Allocation, "to", t.From)
	return nil
}
