package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
)

// attach attaches a volume to this instance and returns its device.
func (k keeper) attach(ctx context.Context, s *slot, id string) (device string, err error) {
	return device, k.until(ctx, func(ctx context.Context) (string, error) {
		v, err := k.describe(ctx, id)
		switch {
		case err != nil:
			return "", err
		case v == nil:
			return "EC2 knows no volume " + id, nil
		case v.State == ec2types.VolumeStateError:
			err := fmt.Errorf("EC2 could not make volume %s; the next boot makes another", id)
			return "", errors.Join(err, k.abandon(ctx, s))
		case v.State == ec2types.VolumeStateCreating:
			return "volume " + id + " is being made", nil
		case len(v.Attachments) == 0:
			return k.beginAttach(ctx, id)
		}
		a := v.Attachments[0] // volumes that several instances may use at once are of other kinds
		if aws.ToString(a.InstanceId) != k.Instance.ID {
			return k.beginDetach(ctx, id, a)
		}
		if a.State != ec2types.VolumeAttachmentStateAttached {
			return fmt.Sprintf("volume %s is %s", id, a.State), nil
		}
		if device = k.Machine.ebsDevice(id, aws.ToString(a.Device)); device == "" {
			return fmt.Sprintf("no device of volume %s, attached as %s", id, aws.ToString(a.Device)), nil
		}
		return "", nil
	})
}

// beginAttach attaches the volume under a device name that is free. EC2 may refuse for now: the next question says.
func (k keeper) beginAttach(ctx context.Context, id string) (string, error) {
	name, err := k.freeName(ctx)
	if err != nil {
		return "", err
	}
	_, err = k.AWS.EC2.AttachVolume(ctx, &ec2.AttachVolumeInput{
		VolumeId: aws.String(id), InstanceId: aws.String(k.Instance.ID), Device: aws.String(name),
	})
	switch apiCode(err) {
	case "":
	case "IncorrectState", "VolumeInUse", "InvalidParameterValue": // the last when the name is just being used
		return fmt.Sprintf("EC2 does not attach volume %s as %s yet: %v", id, name, err), nil
	}
	if err != nil {
		return "", fmt.Errorf("attach volume %s as %s: %w", id, name, err)
	}
	return fmt.Sprintf("volume %s is being attached as %s", id, name), nil
}

// freeName is a device name that EC2 has for volumes and this instance does not use (EC2 User Guide, "Device names on Linux
// instances"): EC2 takes /dev/sd and /dev/xvd for the same, and the first letters are for the instance's own disks.
func (k keeper) freeName(ctx context.Context) (string, error) {
	attached, err := k.attached(ctx)
	if err != nil {
		return "", err
	}
	used := map[string]bool{}
	for _, v := range attached {
		for _, a := range v.Attachments {
			used[strings.TrimPrefix(strings.TrimPrefix(aws.ToString(a.Device), "/dev/xvd"), "/dev/sd")] = true
		}
	}
	for letter := 'f'; letter <= 'z'; letter++ {
		if !used[string(letter)] {
			return "/dev/sd" + string(letter), nil
		}
	}
	return "", errors.New("all names for volumes, /dev/sdf to /dev/sdz, are used: the instance cannot have another volume")
}

// attached are the volumes of this instance.
func (k keeper) attached(ctx context.Context, filters ...ec2types.Filter) ([]ec2types.Volume, error) {
	return k.volumes(ctx, append(filters, filter("attachment.instance-id", k.Instance.ID))...)
}

// detach waits until a volume is attached to nothing, or gone.
func (k keeper) detach(ctx context.Context, id string) error {
	return k.until(ctx, func(ctx context.Context) (string, error) {
		v, err := k.describe(ctx, id)
		switch {
		case err != nil || v == nil || v.State == ec2types.VolumeStateError:
			return "", err
		case v.State == ec2types.VolumeStateCreating:
			return "volume " + id + " is being made", nil
		case len(v.Attachments) > 0:
			return k.beginDetach(ctx, id, v.Attachments[0])
		}
		return "", nil
	})
}

// beginDetach takes a volume from this instance, or from one that ended. From one that runs it is not taken: that would cut its
// writes off. EC2 takes an ended instance's volumes away itself, so its refusal ends no wait.
func (k keeper) beginDetach(ctx context.Context, id string, a ec2types.VolumeAttachment) (string, error) {
	holder := aws.ToString(a.InstanceId)
	if holder != k.Instance.ID {
		known, err := k.instances(ctx, []string{holder})
		if err != nil {
			return "", err
		}
		state := stateOf(known[holder])
		if state != ec2types.InstanceStateNameStopped && state != ec2types.InstanceStateNameTerminated {
			return fmt.Sprintf("volume %s is attached to %s (%s)", id, holder, stateText(state)), nil
		}
	}
	_, err := k.AWS.EC2.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: aws.String(id), InstanceId: a.InstanceId})
	if err != nil {
		return fmt.Sprintf("volume %s is not detached from %s yet: %v", id, holder, err), nil
	}
	return fmt.Sprintf("volume %s is being detached from %s", id, holder), nil
}

// letGo detaches the volumes of slots that this instance lost while it was stopped, and which it may have mounted again when
// it started.
func (k keeper) letGo(ctx context.Context, keep string) error {
	mine, err := k.attached(ctx, filter("tag:"+document.TagOrbit, k.Document.Orbit),
		filter("tag:"+document.TagApp, k.Document.App), filter("tag:"+document.TagVolume, k.volume.Label))
	if err != nil {
		return err
	}
	for _, v := range mine {
		id := aws.ToString(v.VolumeId)
		if id == keep {
			continue
		}
		k.Log.Warn("volume is of a slot that another instance holds now: it is let go", "volume", id)
		if err := k.unmount(ctx, k.volume.MountPoint); err != nil {
			return err
		}
		if err := k.detach(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
