package schema

import (
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/sections"
)

// Service is a systemd unit. It is written out as text, or generated for a container.
type Service struct {
	sections.Node
	Name        string        // with its suffix: laika.service, laika.timer
	UnitFile    *content.Text // nil when there is an image
	Image       string
	Ports       []Mapping          // host → container, sorted
	Volumes     []Mapping          // host → container, sorted; the host of an anonymous volume is ""
	Environment []content.Variable // sorted by name
	Container   Container          // of a service with an image
}

// Mapping maps a port or path of the host to one of the container.
type Mapping struct{ Host, Container string }
