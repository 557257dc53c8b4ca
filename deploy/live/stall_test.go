package live

import (
	"testing"
	"time"
)

func TestCertificateThatIsNotValidatedIsNoticed(t *testing.T) {
	s := stalls{}
	event := func(status, kind string) Event {
		return Event{Resource: "Certificate", Type: kind, Status: status}
	}
	now := time.Now()
	s.note(event("CREATE_IN_PROGRESS", "AWS::SNS::Topic"), now)
	s.note(event("CREATE_IN_PROGRESS", "AWS::CertificateManager::Certificate"), now)
	if got := s.overdue(now.Add(time.Minute)); len(got) > 0 {
		t.Errorf("too early: %v", got)
	}
	if got := s.overdue(now.Add(time.Hour)); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	if got := s.overdue(now.Add(2 * time.Hour)); len(got) > 0 {
		t.Errorf("twice: %v", got)
	}
	s.note(event("CREATE_IN_PROGRESS", "AWS::CertificateManager::Certificate"), now)
	s.note(event("CREATE_COMPLETE", "AWS::CertificateManager::Certificate"), now)
	if got := s.overdue(now.Add(3 * time.Hour)); len(got) > 0 {
		t.Errorf("it is done: %v", got)
	}
}
