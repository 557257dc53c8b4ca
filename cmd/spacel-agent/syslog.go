package main

import (
	"io"
	"log/syslog"
)

// syslogWriter writes to the journal, beside what sshd itself says there, or nowhere when there is none.
func syslogWriter() io.Writer {
	w, err := syslog.New(syslog.LOG_AUTHPRIV|syslog.LOG_WARNING, "spacel-agent")
	if err != nil {
		return io.Discard
	}
	return w
}
