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
	// Start begins to start a target with the units that it wants, in one transaction: systemd orders only jobs that are queued
	// together. The results of the jobs arrive on the channel, which has room for all of them.
	Start(ctx context.Context, target string, units []string) (<-chan JobResult, error)
	// State is the unit as it is now.
	State(ctx context.Context, unit string) (UnitState, error)
	Close()
}

// JobResult is the end of a unit's start. Its result is done, failed, dependency, timeout, canceled … (org.freedesktop.systemd1,
// "JobRemoved"). A unit that runs already has no job.
type JobResult struct{ Unit, Result string }

// UnitState are the properties of a unit that say how it is (org.freedesktop.systemd1). Those of a service are zero in others.
type UnitState struct {
	Load     string   // loaded, not-found, bad-setting, error, masked
	Problem  string   // why it is not loaded, in systemd's words
	Queued   bool     // systemd has a job for it, which waits or runs
	After    []string // units that it starts after
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
	hold *godbus.Conn // keeps units loaded, by Ref, and tells of jobs
}

// ConnectSystemd speaks to systemd until ctx ends.
func ConnectSystemd(ctx context.Context) (Systemd, error) {
	conn, err := dbus.NewWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to systemd: %w", err)
	}
	// In sequence and without limit: a signal that finds no room in the channel would be dropped.
	hold, err := godbus.ConnectSystemBus(godbus.WithContext(ctx), godbus.WithSignalHandler(godbus.NewSequentialSignalHandler()))
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

// manager is the name, and the address, of systemd on the bus.
const (
	manager     = "org.freedesktop.systemd1"
	managerPath = "/org/freedesktop/systemd1"
)

// unitPath is the path of a unit's object. systemd loads the unit when somebody asks for it.
func unitPath(unit string) string { return managerPath + "/unit/" + dbus.PathBusEscape(unit) }

// Start forgets earlier failures first: too many of them, and systemd refuses to start the unit. It has systemd keep the units in
// memory while the connection lasts, or a unit that isn't running would forget why.
func (b bus) Start(ctx context.Context, target string, units []string) (<-chan JobResult, error) {
	for _, unit := range units {
		path := godbus.ObjectPath(unitPath(unit))
		if err := b.hold.Object(manager, path).CallWithContext(ctx, manager+".Unit.Ref", 0).Err; err != nil {
			return nil, fmt.Errorf("%s: %w", unit, err)
		}
		_ = b.ResetFailedUnitContext(ctx, unit) // an unloaded unit has no failure to forget
	}
	// The signals are asked for before the jobs exist: the first of them may be over before the call returns.
	signals := make(chan *godbus.Signal, 64)
	b.hold.Signal(signals)
	removed := []godbus.MatchOption{godbus.WithMatchInterface(manager + ".Manager"), godbus.WithMatchMember("JobRemoved")}
	if err := b.hold.AddMatchSignalContext(ctx, removed...); err != nil {
		return nil, err
	}
	object := b.hold.Object(manager, managerPath)
	if err := object.CallWithContext(ctx, manager+".Manager.Subscribe", 0).Err; err != nil {
		return nil, err
	}
	results := make(chan JobResult, len(units)+1)
	go forwardJobs(signals, append([]string{target}, units...), results)
	return results, object.CallWithContext(ctx, manager+".Manager.StartUnit", 0, target, "replace").Err
}

// forwardJobs sends the result of the first job of each unit to results. It ends with the connection, which closes signals.
func forwardJobs(signals <-chan *godbus.Signal, units []string, results chan<- JobResult) {
	waiting := map[string]bool{}
	for _, unit := range units {
		waiting[unit] = true
	}
	for s := range signals {
		var id uint32
		var job godbus.ObjectPath
		var r JobResult
		if s.Name != manager+".Manager.JobRemoved" || godbus.Store(s.Body, &id, &job, &r.Unit, &r.Result) != nil || !waiting[r.Unit] {
			continue
		}
		delete(waiting, r.Unit)
		results <- r
	}
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
	state.After, _ = p["After"].([]string)
	if problem, ok := p["LoadError"].([]any); ok && len(problem) == 2 {
		state.Problem, _ = problem[1].(string)
	}
	if job, ok := p["Job"].([]any); ok && len(job) > 0 {
		id, _ := job[0].(uint32)
		state.Queued = id != 0
	}
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
