package agent

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The units that look for a free elastic address.
const (
	addressService = "spacel-address.service"
	addressTimer   = "spacel-address.timer"
)

// watchAddress has systemd run "spacel-agent address" every two minutes from now on.
//
// In a rollback the group launches an instance of the old version while one of the new version has the address. Nobody takes an address
// from a newer instance, so the old version's instance goes on without. When the newer one is terminated its address is free, and without
// this nobody would take it before the next boot.
func watchAddress(ctx context.Context, b *Boot) error {
	if len(b.Document.Addresses) == 0 {
		return nil
	}
	for name, text := range map[string]string{addressService: serviceOfAddress, addressTimer: timerOfAddress} {
		if err := b.Machine.writeFile("/etc/systemd/system/"+name, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for _, args := range [][]string{{"daemon-reload"}, {"enable", addressTimer}, {"restart", addressTimer}} {
		if _, err := b.Machine.Run(ctx, "systemctl", args...); err != nil {
			return fmt.Errorf("start %s: %w", addressTimer, err)
		}
	}
	return nil
}

// Address takes a free elastic address for a healthy instance that has none. It takes none from another instance. While the machine
// boots, and after a boot that failed, it does nothing.
func Address(ctx context.Context, m Machine, at Endpoints, console io.Writer) error {
	status, err := ReadStatus(m.Root)
	if err != nil || status.Outcome != Booted {
		return err
	}
	b, err := open(ctx, m, at, NewLog(console))
	if err != nil || len(b.Document.Addresses) == 0 {
		return err
	}
	return lookForAddress(ctx, b)
}

// lookForAddress takes a free address, unless the instance has one.
func lookForAddress(ctx context.Context, b *Boot) error {
	s := newSharedAddresses(b)
	all, err := s.describe(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		if aws.ToString(a.InstanceId) == s.instance {
			return nil
		}
	}
	_, err = s.takeFree(ctx, all)
	return err
}

// serviceOfAddress is a unit that reads the boot's status and calls EC2.
const serviceOfAddress = `[Unit]
Description=spacel: take a free elastic address
After=network-online.target

[Service]
Type=oneshot
TimeoutStartSec=50
ExecStart=/usr/local/bin/spacel-agent address
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
`

// timerOfAddress runs the service every two minutes. The second differs from instance to instance, so that two rarely ask together.
const timerOfAddress = `[Unit]
Description=spacel: look for a free elastic address every two minutes

[Timer]
OnCalendar=*:0/2
AccuracySec=1s
RandomizedDelaySec=90s
FixedRandomDelay=yes

[Install]
WantedBy=timers.target
`
