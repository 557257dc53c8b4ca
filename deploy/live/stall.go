package live

import (
	"slices"
	"strings"
	"time"

	"github.com/pebble/spacel/deploy/activity"
)

// certificatePatience is how long a certificate may take before the user is told. When the internet uses its hosted zone, DNS
// validation takes a few minutes; otherwise CloudFormation waits for hours.
const certificatePatience = 10 * time.Minute

// stalls notices certificates that wait for a validation that may never come: logical id → in progress since.
type stalls map[string]time.Time

// note remembers when a certificate's creation began, and forgets it when the creation has ended. now is the time of this
// machine, since it is only compared with later times of this machine.
func (s stalls) note(e Event, now time.Time) {
	if e.Type != "AWS::CertificateManager::Certificate" {
		return
	}
	if !strings.HasSuffix(e.Status, "_IN_PROGRESS") {
		delete(s, e.Resource)
		return
	}
	if _, known := s[e.Resource]; !known {
		s[e.Resource] = now
	}
}

// overdue returns the certificates that take too long, sorted. Each is returned once.
func (s stalls) overdue(now time.Time) []string {
	var ids []string
	for id, since := range s {
		if now.Sub(since) > certificatePatience {
			ids = append(ids, id)
			s[id] = now.AddDate(1, 0, 0) // not again in this run
		}
	}
	slices.Sort(ids)
	return ids
}

// warnOfStalls tells the user to look at the domain's name servers.
func (w *watch) warnOfStalls(now time.Time) {
	for _, id := range w.stalls.overdue(now) {
		w.tell(activity.Event{
			Kind: activity.Warning, Resource: id, Origin: w.Origins[id],
			Reason: "certificate " + id + " is not validated after " + certificatePatience.String() +
				": check that the domain's registrar names the hosted zone's name servers (dig NS), or press Ctrl-C and cancel",
		})
	}
}
