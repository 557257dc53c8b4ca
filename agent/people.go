package agent

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Where people's access lives on an instance.
const (
	accessPath    = "/etc/spacel/access.json"     // Access, for sshd's command, which may not read the document
	peoplePath    = "/var/lib/spacel/people.json" // the last answer of the tables
	peopleGroup   = "spacel-people"               // its members are the users made by the agent
	keysUser      = "spacel-keys"                 // who sshd asks for keys as
	accountsFloor = 1000                          // the first uid of people (Debian Policy, 9.2.2): no account below is ever touched
)

// Access is what of the instance document decides who may log in.
// The boot writes it to accessPath. It holds no secret, because sshd's command reads it as an unprivileged user.
type Access struct {
	Orbit   string `json:"orbit"`
	App     string `json:"app,omitempty"`
	Region  string `json:"region"`
	Bastion bool   `json:"bastion,omitempty"`
}

// People knows who may log in to an instance: on a bastion the admins of every service, elsewhere those of the app's service
// and the operators.
type People struct {
	Access  Access
	Tables  *dynamodb.Client
	Machine Machine
	Log     *slog.Logger
	Now     func() time.Time
}

// OpenPeople reads its settings, a file written by the boot. The calls to DynamoDB have the rights of the instance's role.
func OpenPeople(m Machine, at Endpoints, log *slog.Logger) (*People, error) {
	body, err := os.ReadFile(filepath.Join(m.Root, accessPath))
	if err != nil {
		return nil, fmt.Errorf("read the instance's orbit and app: %w", err)
	}
	p := &People{Machine: m, Log: log, Now: time.Now}
	if err := json.Unmarshal(body, &p.Access); err != nil {
		return nil, fmt.Errorf("read %s: %w", accessPath, err)
	}
	p.Tables = dynamodb.NewFromConfig(roleConfig(p.Access.Region, newMetadata(at.Metadata), at.Services))
	return p, nil
}
