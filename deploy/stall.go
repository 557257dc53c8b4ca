package deploy

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// certificatePatience is how long a certificate may take: with its zone in use, it is a few minutes.
const certificatePatience = 10 * time.Minute

// stalls notices resources that wait for something that may never come.
type stalls map[string]time.Time // logical id → since when

func (s stalls) note(e types.StackEvent, now time.Time) {
	id := aws.ToString(e.LogicalResourceId)
	if aws.ToString(e.ResourceType) != "AWS::CertificateManager::Certificate" {
		return
	}
	if !strings.HasSuffix(string(e.ResourceStatus), "_IN_PROGRESS") {
		delete(s, id)
		return
	}
	if _, known := s[id]; !known {
		s[id] = now
	}
}

// overdue are the certificates that take too long. Each is named once.
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

// warnOfStalls says what to look at. CloudFormation waits for hours.
func (f *follower) warnOfStalls(now time.Time) {
	for _, id := range f.stalls.overdue(now) {
		f.tell(Event{
			Kind: Warning, Region: f.ref.Region, Stack: f.ref.Name, Resource: id, Origin: f.places[f.ref.String()][id],
			Reason: "certificate " + id + " is not validated after " + certificatePatience.String() +
				": check that the domain's registrar names the hosted zone's name servers (dig NS), or press Ctrl-C and cancel",
		})
	}
}
