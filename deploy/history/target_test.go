package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pebble/spacel/internal/cloudtest"
)

// Each signature costs a call of KMS. A rollback verifies the records that it chooses among, and not the whole history.
func TestFindVerifiesFew(t *testing.T) {
	cf, stores := account(t)
	store := stores[1:]
	for n := 1; n <= 40; n++ {
		w := releaseOf(store)
		w.places[0].record.Template = fmt.Sprintf("%064d", n)
		if err := w.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Change(t.Context(), east, func(r *Record) {
			r.Outcome = Good
			if n == 39 {
				r.Tasks = []Task{{"migrate", "done"}}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	for number, most := range map[int]int{0: 3, 39: 1, 38: 2, 3: 2} {
		cf.ResetCalls()
		found, err := store[0].Find(t.Context(), "web", number, time.Time{})
		if want := number; err != nil || found.Record.Number != want && (want != 0 || found.Record.Number != 39) {
			t.Errorf("%d: %+v %v", number, found, err)
		}
		if calls := cf.Calls()["kms:VerifyMac"]; calls > most {
			t.Errorf("to %d: %d signatures verified, want at most %d", number, calls, most)
		}
		if (number == 38 || number == 3) && (len(found.Newer) != 1 || found.Newer[0].Number != 39) {
			t.Errorf("to %d: the releases with tasks after it are %+v", number, found.Newer)
		}
	}
}

// A forged record is not skipped without a word, and never taken: neither by its number nor as the last good one.
func TestFindForged(t *testing.T) {
	cf, stores := account(t)
	store := stores[1:]
	for n := 1; n <= 3; n++ {
		w := releaseOf(store)
		w.places[0].record.Template = fmt.Sprintf("%064d", n)
		if err := w.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Change(t.Context(), east, func(r *Record) { r.Outcome = Good }); err != nil {
			t.Fatal(err)
		}
	}
	items := cloudtest.ItemsOf(cf, east, "test-releases")
	body := items[1]["record"]["S"].(string)
	items[1]["record"] = map[string]any{"S": strings.Replace(body, `"v1"`, `"v666"`, 1)}
	cloudtest.SetItems(cf, east, "test-releases", items)
	found, err := store[0].Find(t.Context(), "web", 0, time.Time{})
	if err != nil || found.Record.Number != 1 || !strings.Contains(fmt.Sprint(found.Notes), "release 2 in us-east-1 is not trusted") {
		t.Errorf("%+v %v", found, err)
	}
	items[0]["record"] = items[1]["record"]
	cloudtest.SetItems(cf, east, "test-releases", items)
	if _, err := store[0].Find(t.Context(), "web", 0, time.Time{}); err == nil ||
		!strings.Contains(err.Error(), "to go back to: release 2 in us-east-1 is not trusted") {
		t.Errorf("%v", err)
	}
	if _, err := store[0].Find(t.Context(), "web", 2, time.Time{}); err == nil || !strings.Contains(err.Error(), "is not trusted") {
		t.Errorf("%v", err)
	}
	if before, there, err := store[0].Before(t.Context(), "web", 3); err != nil || there {
		t.Errorf("%+v %v %v", before, there, err)
	}
}

// A rollback that did not end well is done again by the same command. It does not bring back the release that the user leaves.
func TestFindAfterUnfinishedRollback(t *testing.T) {
	for _, outcome := range []Outcome{Running, Failed, RolledBack, Interrupted} {
		t.Run(string(outcome), func(t *testing.T) {
			_, stores := account(t)
			store := stores[1:]
			for n, again := range []int{0, 0, 1} {
				w := releaseOf(store)
				w.places[0].record.Template, w.places[0].record.Again = fmt.Sprintf("%064d", n), again
				if again > 0 {
					w.places[0].record.Command = "rollback"
				}
				if err := w.Begin(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Change(t.Context(), east, func(r *Record) {
					if r.Outcome = Good; again > 0 {
						r.Outcome = outcome
					}
				}); err != nil {
					t.Fatal(err)
				}
			}
			found, err := store[0].Find(t.Context(), "web", 0, time.Time{})
			note := "release 3 in us-east-1, a rollback to release 1, did not end well: the same again"
			if err != nil || found.Record.Number != 1 || !found.Unfinished || !strings.Contains(fmt.Sprint(found.Notes), note) {
				t.Errorf("%+v %v", found, err)
			}
		})
	}
}
