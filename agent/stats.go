package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// tagGroup is the tag with the auto scaling group's name, which auto scaling sets.
const tagGroup = "aws:autoscaling:groupName"

// The units that publish memory and disk use.
const (
	statsService = "spacel-stats.service"
	statsTimer   = "spacel-stats.timer"
)

// publishStats has systemd run "spacel-agent stats GROUP NAMESPACE" every minute from now on. A run that hangs or fails is over before
// the next one, and none takes memory in between.
func publishStats(ctx context.Context, b *Boot) error {
	if b.Document.Stats == "" {
		return nil
	}
	group, err := b.group(ctx)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{statsService: serviceOfStats(group, b.Document.Stats), statsTimer: timerOfStats} {
		if err := b.Machine.writeFile("/etc/systemd/system/"+name, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	// restart instead of start: the timer may run already, with the settings of an earlier boot.
	for _, args := range [][]string{{"daemon-reload"}, {"enable", statsTimer}, {"restart", statsTimer}} {
		if _, err := b.Machine.Run(ctx, "systemctl", args...); err != nil {
			return fmt.Errorf("start %s: %w", statsTimer, err)
		}
	}
	b.Log.Info("memory and disk use are published every minute", "group", group)
	return nil
}

// group returns the name of the instance's auto scaling group, from a tag. Auto Scaling sets the tag shortly after the
// launch.
func (b *Boot) group(ctx context.Context) (group string, err error) {
	err = until(ctx, b.Log, func(ctx context.Context) (string, error) {
		known, err := describeInstances(ctx, b.AWS.EC2, []string{b.Instance.ID})
		if err != nil {
			return "", err
		}
		if group = tagOf(known[b.Instance.ID].Tags, tagGroup); group == "" {
			return "the instance has no tag " + tagGroup + " yet", nil
		}
		return "", nil
	})
	if err == nil && strings.ContainsAny(group, "\"\\\n") {
		err = errors.New("the auto scaling group's name has quotes, backslashes or line breaks, which a unit cannot hold")
	}
	return group, err
}

// serviceOfStats is a unit with no more rights than to read and to send. Only what goes wrong is worth a line a minute.
func serviceOfStats(group, namespace string) string {
	// systemd replaces %x and $NAME in ExecStart, so both signs are doubled.
	escape := strings.NewReplacer("%", "%%", "$", "$$").Replace
	return `[Unit]
Description=spacel: publish memory and disk use
After=network-online.target

[Service]
Type=oneshot
TimeoutStartSec=50
ExecStart=/usr/local/bin/spacel-agent stats "` + escape(group) + `" "` + escape(namespace) + `"
DynamicUser=yes
ProtectHome=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SyslogLevel=warning
LogLevelMax=warning
`
}

// timerOfStats runs the service once a minute. The second differs from instance to instance, so not all call CloudWatch
// together.
const timerOfStats = `[Unit]
Description=spacel: publish memory and disk use every minute

[Timer]
OnCalendar=minutely
AccuracySec=1s
RandomizedDelaySec=45s
FixedRandomDelay=yes

[Install]
WantedBy=timers.target
`
