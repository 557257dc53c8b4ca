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
func (m volumeManager) attach(ctx context.Context, s *slot, id string) (device string, err error) {
	return device, until(ctx, m.log, func(ctx context.Context) (string, error) {
		v, err := m.ebs().volume(ctx, id)
		switch {
		case err != nil:
			return "", err
		case v == nil:
			return "EC2 knows no volume " + id, nil
		case v.State == ec2types.VolumeStateError:
			err := fmt.Errorf("EC2 could not make volume %s; the next boot makes another", id)
			return "", errors.Join(err, m.abandon(ctx, s))
		case v.State == ec2types.VolumeStateCreating:
			return "volume " + id + " is being made", nil
		case len(v.Attachments) == 0:
			return m.beginAttach(ctx, id)
		}
		a := v.Attachments[0] // volumes that several instances may use at once are of other kinds
		if aws.ToString(a.InstanceId) != m.instance.ID {
			return m.beginDetach(ctx, id, a)
		}
		if a.State != ec2types.VolumeAttachmentStateAttached {
			return fmt.Sprintf("volume %s is %s", id, a.State), nil
		}
		if device = m.mounter.machine.ebsDevice(id, aws.ToString(a.Device)); device == "" {
			return fmt.Sprintf("no device of volume %s, attached as %s", id, aws.ToString(a.Device)), nil
		}
		return "", nil
	})
}

// beginAttach attaches the volume under a free device name. EC2 may refuse for the moment. A refusal is a reason to wait, and
// the next look at the volume tells more.
func (m volumeManager) beginAttach(ctx context.Context, id string) (string, error) {
	name, err := m.freeName(ctx)
	if err != nil {
		return "", err
	}
	_, err = m.ec2.AttachVolume(ctx, &ec2.AttachVolumeInput{
		VolumeId: aws.String(id), InstanceId: aws.String(m.instance.ID), Device: aws.String(name),
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
func (m volumeManager) freeName(ctx context.Context) (string, error) {
	attached, err := m.attached(ctx)
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

// attached returns the volumes of this instance.
func (m volumeManager) attached(ctx context.Context, filters ...ec2types.Filter) ([]ec2types.Volume, error) {
	return m.ebs().volumes(ctx, append(filters, filter("attachment.instance-id", m.instance.ID))...)
}

// detach waits until a volume is attached to nothing, or gone.
func (m volumeManager) detach(ctx context.Context, id string) error {
	return until(ctx, m.log, func(ctx context.Context) (string, error) {
		v, err := m.ebs().volume(ctx, id)
		switch {
		case err != nil || v == nil || v.State == ec2types.VolumeStateError:
			return "", err
		case v.State == ec2types.VolumeStateCreating:
			return "volume " + id + " is being made", nil
		case len(v.Attachments) > 0:
			return m.beginDetach(ctx, id, v.Attachments[0])
		}
		return "", nil
	})
}

// beginDetach detaches a volume from this instance, or from one that ended. It never detaches one from a running
// instance: that would lose the instance's unwritten data. EC2 detaches the volumes of an ended instance by itself, so a
// refusal does not end the wait.
func (m volumeManager) beginDetach(ctx context.Context, id string, a ec2types.VolumeAttachment) (string, error) {
	holder := aws.ToString(a.InstanceId)
	if holder != m.instance.ID {
		known, err := describeInstances(ctx, m.ec2, []string{holder})
		if err != nil {
			return "", err
		}
		state := stateOf(known[holder])
		// A stopped instance has written its data. A stopping one has not yet, so it is waited for.
		if state != ec2types.InstanceStateNameStopped && state != ec2types.InstanceStateNameTerminated {
			return fmt.Sprintf("volume %s is attached to %s (%s)", id, holder, stateText(state)), nil
		}
	}
	_, err := m.ec2.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: aws.String(id), InstanceId: a.InstanceId})
	if err != nil {
		return fmt.Sprintf("volume %s is not detached from %s yet: %v", id, holder, err), nil
	}
	return fmt.Sprintf("volume %s is being detached from %s", id, holder), nil
}

// detachOthers detaches volumes of slots that this instance lost while it was stopped. fstab may have mounted them again
// when it started.
func (m volumeManager) detachOthers(ctx context.Context, keep string) error {
	mine, err := m.attached(ctx, filter("tag:"+document.TagOrbit, m.orbit),
		filter("tag:"+document.TagApp, m.app), filter("tag:"+document.TagVolume, m.volume.Label))
	if err != nil {
		return err
	}
	for _, v := range mine {
		id := aws.ToString(v.VolumeId)
		if id == keep {
			continue
		}
		m.log.Warn("volume is of a slot that another instance holds now: it is let go", "volume", id)
		// Detaching a mounted volume would hang in the state busy until the file system is unmounted.
		if err := m.mounter.unmount(ctx, m.volume.MountPoint); err != nil {
			return err
		}
		if err := m.detach(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
