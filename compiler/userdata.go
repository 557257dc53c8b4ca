package compiler

import (
	_ "embed"
	"fmt"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
)

// referenceSize is the assumed length of a reference's value, which is unknown before deploy. The longest values in use,
// ARNs of stacks and target groups, are shorter.
const referenceSize = 256

// installScript and agentUnit are what user data puts on an instance beside its document.
var (
	//go:embed userdata/install.sh
	installScript string
	//go:embed userdata/spacel-agent.service
	agentUnit string
)

// boot is the input of an instance's user data.
type boot struct {
	document document.Document[cfn.Value]
	agent    agentBinary
	docker   bool // install Docker unless the image has it
}

// userData is cloud-config for a stock Debian 12 or 13. It writes the instance document and starts the agent's unit,
// which installs Docker and the agent first. An image made from a running instance boots the same way: Docker and an
// agent with the right digest are kept.
func userData(b boot) *cfn.Text {
	text := &cfn.Text{}
	text.Line(cfn.String("#cloud-config"))
	text.Line(cfn.String("write_files:"))
	writeFile(text, document.Path, "0600", cfn.JSONText(b.document))
	writeFile(text, "/etc/systemd/system/"+document.AgentUnit, "0644", plain(agentUnit))
	writeFile(text, "/usr/local/sbin/spacel-install", "0700", install(b))
	text.Line(cfn.String("runcmd:"))
	text.Line(cfn.String("- [systemctl, daemon-reload]"))
	text.Line(cfn.String("- [systemctl, enable, --now, --no-block, " + document.AgentUnit + "]"))
	return text
}

// fitsUserData says whether EC2 takes the text as user data, whatever its references turn out to be.
func fitsUserData(text *cfn.Text) bool { return text.Size(referenceSize) <= cfn.MaxUserDataSize }

// writeFile adds an entry of cloud-config's write_files. The content is a YAML block (|), indented by four spaces.
func writeFile(text *cfn.Text, path, mode string, content *cfn.Text) {
	text.Line(cfn.String("- path: " + path))
	text.Line(cfn.String(fmt.Sprintf("  permissions: %q", mode)))
	text.Line(cfn.String("  content: |"))
	text.Append(content.Indent("    "))
	text.Line()
}

// plain is text without references.
func plain(content string) *cfn.Text {
	text := &cfn.Text{}
	text.Add(cfn.String(content))
	return text
}

// install is the script with its settings before it.
func install(b boot) *cfn.Text {
	text := &cfn.Text{}
	text.Line(cfn.String("#!/bin/sh"))
	for _, setting := range []struct {
		name  string
		value cfn.Value
	}{
		{"region", cfn.String(b.document.Region)},
		{"stack", b.document.Signal.Stack},
		{"resource", cfn.String(b.document.Signal.Resource)},
		{"log_group", cfn.String(b.document.BootLog)},
		{"log_stream", cfn.String(document.BootStreams(b.document.App))},
		{"docker", cfn.String(fmt.Sprint(b.docker))},
		{"bucket", b.agent.bucket},
		{"key", b.agent.key},
		{"digest", b.agent.digest},
	} {
		text.Line(cfn.String(setting.name+"='"), setting.value, cfn.String("'"))
	}
	text.Add(cfn.String(installScript))
	return text
}
