package agent

import (
	"context"
	"fmt"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// Systemd is the part of systemd in use by the agent, over D-Bus. Tests have their own.
type Systemd interface {
	// Enable has units start with the machine, as their [Install] sections say. A unit without one is left as it is.
	Enable(ctx context.Context, unit string) error
	// Reload has systemd read all units again.
	Reload(ctx context.Context) error
	// Start begins to start a unit. The job's result arrives on the channel: done, failed, dependency, timeout, canceled …
	// (org.freedesktop.systemd1, "JobRemoved").
	Start(ctx context.Context, unit string) (<-chan string, error)
	// State is the unit as it is now.
	State(ctx context.Context, unit string) (UnitState, error)
	Close()
}

// UnitState are the properties of a unit that say how it is (org.freedesktop.systemd1). Those of a service are zero in others.
type UnitState struct {
	Load     string   // loaded, not-found, bad-setting, error, masked
	Active   string   // active, reloading, inactive, failed, activating, deactivating
	Sub      string   // running, exited, auto-restart …
	Triggers []string // units that this one starts, of a timer
	Unmet    bool     // a condition kept it from starting
	Type     string   // of a service: simple, oneshot, notify …
	Result   string   // of a service: success, exit-code, signal, timeout …
	Status   int      // of a service: its main process's exit status
	Restarts int      // of a service: how often systemd started it again by itself
}

// bus is systemd itself.
type bus struct {
	*dbus.Conn
	hold *godbus.Conn // keeps units loaded, by Ref
}

// ConnectSystemd speaks to systemd until ctx ends.
func ConnectSystemd(ctx context.Context) (Systemd, error) {
	conn, err := dbus.NewWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to systemd: %w", err)
	}
	hold, err := godbus.ConnectSystemBus(godbus.WithContext(ctx))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to the system's D-Bus: %w", err)
	}
	return bus{conn, hold}, nil
}

// Close ends the connections.
func (b bus) Close() {
	b.Conn.Close()
	_ = b.hold.Close() // which was only there to be open
}

// Notify tells systemd of the service that this process is. It does nothing when systemd did not start it as one.
func Notify(state string) error {
	_, err := daemon.SdNotify(false, state)
	return err
}

// Enable enables a unit: it starts at every later start of the machine.
func (b bus) Enable(ctx context.Context, unit string) error {
	const runtime, force = false, true
	_, _, err := b.EnableUnitFilesContext(ctx, []string{unit}, runtime, force)
	return err
}

func (b bus) Reload(ctx context.Context) error { return b.ReloadContext(ctx) }

// Start forgets an earlier failure first: too many of them, and systemd refuses to start the unit. It has systemd keep the unit in
// memory while the connection lasts, or a unit that isn't running would forget why.
func (b bus) Start(ctx context.Context, unit string) (<-chan string, error) {
	path := godbus.ObjectPath("/org/freedesktop/systemd1/unit/" + dbus.PathBusEscape(unit))
	if err := b.hold.Object("org.freedesktop.systemd1", path).CallWithContext(ctx, "org.freedesktop.systemd1.Unit.Ref", 0).Err; err != nil {
		return nil, err
	}
	_ = b.ResetFailedUnitContext(ctx, unit) // an unloaded unit has no failure to forget
	result := make(chan string, 1)
	_, err := b.StartUnitContext(ctx, unit, "replace", result)
	return result, err
}

// State asks for a unit's state and for the properties that tell why it ended.
func (b bus) State(ctx context.Context, unit string) (UnitState, error) {
	p, err := b.GetAllPropertiesContext(ctx, unit)
	if err != nil {
		return UnitState{}, err
	}
	text := func(name string) string {
		s, _ := p[name].(string)
		return s
	}
	state := UnitState{
		Load:   text("LoadState"),
		Active: text("ActiveState"),
		Sub:    text("SubState"),
		Type:   text("Type"),
		Result: text("Result"),
	}
	state.Triggers, _ = p["Triggers"].([]string)
	met, _ := p["ConditionResult"].(bool)
	checked, _ := p["ConditionTimestamp"].(uint64) // 0 when no start has looked at them
	state.Unmet = checked > 0 && !met || state.Result == "exec-condition"
	if status, ok := p["ExecMainStatus"].(int32); ok {
		state.Status = int(status)
	}
	if restarts, ok := p["NRestarts"].(uint32); ok {
		state.Restarts = int(restarts)
	}
	return state, nil
}
