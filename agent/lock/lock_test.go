package lock

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/internal/cloudtest"
)

const (
	region = "us-east-1"
	lease  = 2 * time.Second // in tests; long enough that a slow machine renews in time
	name   = "web/report.service/2026-12-01T03:00:00"
)

// env is a table of locks in moto.
type env struct {
	*testing.T
	table string
}

func newEnv(t *testing.T) env {
	t.Parallel()
	e := env{t, document.TableName("test", document.LocksTable)}
	cloudtest.MakeTable(t, e.client(cloudtest.Moto(t)), e.table, document.LockName)
	return e
}

func (e env) client(url string) *dynamodb.Client {
	return dynamodb.NewFromConfig(cloudtest.Config(e.T, url, region), func(o *dynamodb.Options) { o.RetryMaxAttempts = 5 })
}

// owner returns the table as an owner of its own uses it.
func (e env) owner(name string) Table {
	return Table{Client: e.client(cloudtest.Moto(e.T)), Name: e.table, Owner: name, Lease: lease}
}

// faulty returns the table as an owner behind a proxy with faults uses it.
func (e env) faulty(name string, faults cloudtest.Faults) Table {
	t := e.owner(name)
	t.Client = e.client(cloudtest.NewProxy(e.T, cloudtest.Moto(e.T), faults).URL)
	return t
}

func (e env) read() Record {
	e.Helper()
	r, err := e.owner("reader").read(e.Context(), name)
	if err != nil {
		e.Fatal(err)
	}
	return r
}

// mustHold acquires the lock.
func (e env) mustHold(t Table) *Held {
	e.Helper()
	h, record, err := t.Acquire(e.Context(), name, MayRepeat, func(Record) {})
	if err != nil || h == nil {
		e.Fatalf("%s does not hold the lock: %s, %v", t.Owner, record, err)
	}
	return h
}

func ends(s State) func(context.Context) Result {
	return func(context.Context) Result { return Result{State: s} }
}

// However many instances come at once, one does the work, and the others learn how it ended.
func TestOneOwnerOfMany(t *testing.T) {
	e := newEnv(t)
	var ran, told atomic.Int32
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Go(func() {
			h, record, err := e.owner(fmt.Sprint("i-", i)).Acquire(t.Context(), name, MayRepeat, func(Record) {})
			if err != nil {
				t.Error(err)
			}
			if h == nil {
				told.Add(1)
				if record.State != Done || record.Note != "exit status 0" {
					t.Errorf("told: %s", record)
				}
				return
			}
			if err := h.Run(t.Context(), func(ctx context.Context) Result {
				ran.Add(1)
				time.Sleep(lease * 3 / 2) // longer than the lease: the lock is renewed meanwhile
				return Result{Done, "exit status 0"}
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if ran.Load() != 1 || told.Load() != 5 {
		t.Errorf("ran %d times, told %d", ran.Load(), told.Load())
	}
}

// Work that ended is never run again, well or not.
func TestEndedWorkIsNotRunAgain(t *testing.T) {
	for _, state := range []State{Done, Failed} {
		t.Run(string(state), func(t *testing.T) {
			e := newEnv(t)
			if err := e.mustHold(e.owner("i-1")).Run(t.Context(), ends(state)); err != nil {
				t.Fatal(err)
			}
			for _, owner := range []string{"i-1", "i-2"} {
				h, record, err := e.owner(owner).Acquire(t.Context(), name, MayRepeat, func(Record) {})
				if h != nil || err != nil || record.State != state || record.Owner != "i-1" {
					t.Errorf("%s: %v, %s, %v", owner, h, record, err)
				}
			}
		})
	}
}

// A dead holder is replaced after its lease and not before, and its fencing number is lower.
func TestDeadHolderIsReplaced(t *testing.T) {
	e := newEnv(t)
	dead := e.mustHold(e.owner("i-1"))
	if err := dead.change(t.Context(), item{attrState: text(string(Running))}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var waited []string
	h, _, err := e.owner("i-2").Acquire(t.Context(), name, MayRepeat, func(r Record) { waited = append(waited, r.Owner) })
	if err != nil || h == nil {
		t.Fatal(h, err)
	}
	if took := time.Since(began); took < lease || took > 4*lease {
		t.Errorf("taken over after %s", took)
	}
	if h.Fence() != dead.Fence()+1 || len(waited) != 1 || waited[0] != "i-1" {
		t.Errorf("fence %d after %d, waited for %v", h.Fence(), dead.Fence(), waited)
	}
	// The dead one was only paused. It cannot write any more.
	if err := dead.Run(t.Context(), ends(Done)); !errors.Is(err, errLost) {
		t.Errorf("the old holder: %v", err)
	}
	if r := e.read(); r.Owner != "i-2" || r.State != Pending {
		t.Error(r)
	}
}

// Work that must not be repeated ends as unknown when its owner dies, and stays so.
func TestUnknownEnd(t *testing.T) {
	e := newEnv(t)
	dead := e.mustHold(e.owner("i-1"))
	if err := dead.change(t.Context(), item{attrState: text(string(Running))}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h, record, err := e.owner("i-2").Acquire(t.Context(), name, MustNotAgain, func(Record) {})
		if h != nil || err != nil || record.State != Unknown || !strings.Contains(record.Note, "i-1 stopped renewing") {
			t.Errorf("%v, %s, %v", h, record, err)
		}
	}
}

// A holder that died before the work began is replaced, also for work that must not be repeated.
func TestPendingIsTakenOver(t *testing.T) {
	e := newEnv(t)
	e.mustHold(e.owner("i-1"))
	h, record, err := e.owner("i-2").Acquire(t.Context(), name, MustNotAgain, func(Record) {})
	if h == nil || err != nil || h.Fence() != 2 {
		t.Errorf("%v, %s, %v", h, record, err)
	}
}

// A lock that was given back is taken at once.
func TestGivenBack(t *testing.T) {
	e := newEnv(t)
	if err := e.mustHold(e.owner("i-1")).Run(t.Context(), ends(Pending)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if h := e.mustHold(e.owner("i-2")); h.Fence() != 2 || time.Since(began) > lease {
		t.Errorf("fence %d after %s", h.Fence(), time.Since(began))
	}
}

// The work of a holder that lost its lock is stopped, and how it ended is not written.
func TestLostLockStopsTheWork(t *testing.T) {
	e := newEnv(t)
	h := e.mustHold(e.owner("i-1"))
	err := h.Run(t.Context(), func(ctx context.Context) Result {
		if _, ok, err := e.owner("i-2").write(ctx, name, e.owner("i-2").claim(2), unchanged(e.read())); !ok || err != nil {
			t.Error("another owner could not take the lock", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(4 * lease):
			t.Error("the work went on")
		}
		return Result{State: Done}
	})
	if r := e.read(); !errors.Is(err, errLost) || r.Owner != "i-2" || r.State != Pending {
		t.Errorf("%v, %s", err, r)
	}
}

// Without DynamoDB the work stops before the lease is over.
func TestWorkStopsWhenTheLockCannotBeRenewed(t *testing.T) {
	e := newEnv(t)
	var off atomic.Bool
	cut := e.faulty("i-1", cloudtest.Faults{Break: 1, Only: func(string, string) bool { return off.Load() }})
	h := e.mustHold(cut)
	var took time.Duration
	err := h.Run(t.Context(), func(ctx context.Context) Result {
		off.Store(true)
		began := time.Now()
		select {
		case <-ctx.Done():
			took = time.Since(began)
		case <-time.After(4 * lease):
			t.Error("the work went on")
		}
		off.Store(false)
		return Result{State: Pending}
	})
	if err != nil || took >= lease {
		t.Errorf("stopped after %s, %v", took, err)
	}
	if r := e.read(); r.Owner != "" || r.State != Pending {
		t.Error(r)
	}
}

// A call that took effect but whose answer was lost is repeated by the SDK. The owner finds its own item, and takes it for its own.
func TestLostAnswers(t *testing.T) {
	e := newEnv(t)
	var calls atomic.Int32
	lossy := e.faulty("i-1", cloudtest.Faults{DropAfter: 1, Only: func(_, operation string) bool {
		return operation == "UpdateItem" && calls.Add(1)%2 == 1 // the first try of each call
	}})
	h := e.mustHold(lossy)
	if h.Fence() != 1 {
		t.Errorf("fence %d", h.Fence())
	}
	if err := h.Run(t.Context(), ends(Done)); err != nil {
		t.Error(err)
	}
	if r := e.read(); r.State != Done || r.Owner != "i-1" || calls.Load() < 6 {
		t.Errorf("%s after %d calls", r, calls.Load())
	}
	// Giving back removes the owner, so the repeated call finds an item of nobody.
	other := name + "/other"
	held, _, err := lossy.Acquire(t.Context(), other, MayRepeat, func(Record) {})
	if err != nil || held == nil {
		t.Fatal(held, err)
	}
	if err := held.Run(t.Context(), ends(Pending)); err != nil {
		t.Error(err)
	}
}

// Faults of every kind: the work runs once, or an error says that it did not run.
func TestFaults(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			e := newEnv(t)
			faults := cloudtest.Faults{Seed: seed, Throttle: .1, DropBefore: .1, DropAfter: .2, Break: .1}
			var ran atomic.Int32
			var wait sync.WaitGroup
			for i := range 3 {
				table := e.faulty(fmt.Sprint("i-", i), faults)
				wait.Go(func() {
					h, _, err := table.Acquire(t.Context(), name, MayRepeat, func(Record) {})
					if err != nil || h == nil {
						return
					}
					_ = h.Run(t.Context(), func(context.Context) Result {
						ran.Add(1)
						return Result{State: Done}
					})
				})
			}
			wait.Wait()
			if ran.Load() > 1 {
				t.Errorf("ran %d times", ran.Load())
			}
		})
	}
}

// Items expire when they may, and never otherwise.
func TestExpiry(t *testing.T) {
	e := newEnv(t)
	keeps := e.owner("i-1")
	if _, there := keeps.claim(1)[document.LockExpires]; there {
		t.Error("a lock without a limit expires")
	}
	keeps.Keep = time.Hour
	e.mustHold(keeps)
	out, err := keeps.Client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &e.table, Key: item{document.LockName: text(name)}})
	if err != nil {
		t.Fatal(err)
	}
	expires, _ := out.Item[document.LockExpires].(*types.AttributeValueMemberN)
	if want := fmt.Sprint(time.Now().Add(time.Hour).Unix())[:8]; expires == nil || !strings.HasPrefix(expires.Value, want) {
		t.Errorf("expires at %v", expires)
	}
}

// Items that another hand wrote are an error, or are replaced after the lease.
func TestOddItems(t *testing.T) {
	for i, odd := range []item{
		{}, {attrState: number(3)}, {attrOwner: text("i-9"), attrFence: text("x")}, {attrState: text("running"), attrOwner: text("i-9")},
		{attrState: text("running"), attrOwner: text("i-9"), attrLease: number(-5), attrFence: number(7)},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			e := newEnv(t)
			odd[document.LockName] = text(name)
			table := e.owner("i-1")
			if _, err := table.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &e.table, Item: odd}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*lease)
			defer cancel()
			h, record, err := table.Acquire(ctx, name, MayRepeat, func(Record) {})
			if h == nil && (err == nil || !strings.Contains(err.Error(), "is not one that spacel wrote: delete it")) {
				t.Errorf("%v, %s, %v", h, record, err)
			}
		})
	}
}
