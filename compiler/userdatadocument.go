package compiler

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/internal/jsontext"
	"github.com/pebble/spacel/schema/report"
)

// launchText is the instances' user data, with its parameters and the rights to fetch its assets.
type launchText struct {
	*part
	text *cfn.Text
}

// appGroupID is the logical id of the auto scaling group, which the instances signal.
const appGroupID = "Asg"

// userDataOf assembles the instance document from the contributions of the app's parts. If the user data would exceed
// EC2's limit, units, files, environments and volumes move to an asset in S3, which the agent fetches and verifies by
// digest.
func userDataOf(a appContext, whole *part, r *report.Report) (launchText, error) {
	l := launchText{part: &part{}}
	b := boot{document: l.document(a, whole), agent: agentParameters(l.part, a.region.Architecture), docker: len(a.region.Containers()) > 0}
	l.statements = append(agentStatements(a, l.part), b.agent.statement())
	l.text = userData(b)
	if fitsUserData(l.text) {
		return l, nil
	}
	body, err := jsontext.Indent(b.document.Bulk())
	if err != nil {
		return l, fmt.Errorf("encode the instance document: %w", err)
	}
	if len(body) > document.MaxAsset {
		r.Errorf(a.region.Pos, "expected at most %d bytes of units, files, environments and volumes, got %d: the agent on the instances "+
			"reads no more; fetch large files in a unit", document.MaxAsset, len(body))
		l.refused = true
		return l, nil
	}
	asset, err := a.sink.Asset(body)
	if err != nil {
		return l, err
	}
	sizes := fieldSizes(b.document)
	b.document.Asset = l.asset(asset)
	b.document.DropBulk()
	l.text = userData(b)
	if !fitsUserData(l.text) {
		r.Errorf(a.region.Pos, "expected at most %d bytes of user data, got about %d, although units, files, environments and "+
			"volumes are fetched apart; the largest parts are %s", cfn.MaxUserDataSize, l.text.Size(referenceSize), sizes)
	}
	return l, nil
}

// document fills the fields that every app has, then applies the parts' contributions.
func (l launchText) document(a appContext, whole *part) document.Document[cfn.Value] {
	d := document.Document[cfn.Value]{
		Format:  document.Format,
		Orbit:   a.net.orbit.Name,
		App:     a.app.Name,
		Region:  a.region.Region,
		Token:   tokenParameter(l.part),
		Signal:  document.Signal[cfn.Value]{Stack: cfn.StackID, Resource: appGroupID, Timeout: a.region.BootLimit()},
		BootLog: a.net.bootLog(l.part),
	}
	if whole.document != nil {
		whole.document(&d)
	}
	// A release task runs once for each version, so the agent must know it.
	if len(d.Tasks) > 0 || usesVersion(d.Units) {
		d.Version = versionParameter(l.part)
	}
	return d
}

// usesVersion reports whether the agent replaces __VERSION__ in a unit. Only then is the version part of user data: otherwise a release
// of a version would replace the instances and change nothing on them. An encrypted unit may hold anything.
func usesVersion(units map[string]document.Content) bool {
	// A unit is lines of text, bytes in Base64 if it is not UTF-8, a payload, or a reference.
	for _, unit := range units {
		text, err := base64.StdEncoding.DecodeString(unit.Base64)
		unknown := unit.Payload != nil || unit.From != "" || err != nil
		inLine := func(line string) bool { return strings.Contains(line, versionWord) }
		if unknown || inLine(string(text)) || slices.ContainsFunc(unit.Lines, inLine) {
			return true
		}
	}
	return false
}

// versionWord stands for the deployed version in units.
const versionWord = "__VERSION__"

// versionParameter declares the parameter for the app's version. It is part of user data, so a new version replaces the
// instances.
func versionParameter(p *part) cfn.Value {
	// The first deployment has no version to keep. A container's tag is then latest.
	first := "latest"
	return p.parameter(document.ParameterVersion, cfn.Parameter{
		Type:           "String",
		Default:        &first,
		AllowedPattern: document.VersionPattern,
		Description:    "The version deployed: __VERSION__ in units, and the tag of images that name none.",
	}, assembly.ValueFrom{Version: &assembly.Version{Default: first}}).Ref()
}

// asset says where the document's bulk is, and lets the instances fetch it.
func (l launchText) asset(made assembly.Asset) *document.Asset[cfn.Value] {
	declare := func(id, part, pattern, description string) cfn.Value {
		return l.parameter(id, cfn.Parameter{Type: "String", AllowedPattern: pattern, Description: description},
			assembly.ValueFrom{Asset: &assembly.AssetPart{Digest: made.Digest, Part: part}}).Ref()
	}
	bucket := declare("Document"+document.BucketParameter, assembly.PartBucket, `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`,
		"The bucket that holds the instance document.")
	key := declare("DocumentKey", assembly.PartKey, `[A-Za-z0-9][A-Za-z0-9/._-]*`, "The instance document's key in its bucket.")
	l.statements = append(l.statements, cfn.Allow([]string{"s3:GetObject"}, cfn.BareARN("s3", bucket, cfn.String("/"), key)))
	return &document.Asset[cfn.Value]{Bucket: bucket, Key: key, Digest: made.Digest}
}

// fieldSizes names the largest parts of a document, with their sizes.
func fieldSizes(d document.Document[cfn.Value]) string {
	type section struct {
		name string
		size int
	}
	all := []section{
		{"target groups", cfn.JSONText(d.TargetGroups).Size(referenceSize)},
		{"elastic addresses", cfn.JSONText(d.Addresses).Size(referenceSize)},
		{"databases", cfn.JSONText(d.Databases).Size(referenceSize)},
		{"caches", cfn.JSONText(d.Caches).Size(referenceSize)},
		{"values of resources", cfn.JSONText(d.Resources).Size(referenceSize)},
		{"the local health check", cfn.JSONText(d.LocalHealth).Size(referenceSize)},
	}
	slices.SortStableFunc(all, func(a, b section) int { return cmp.Compare(b.size, a.size) })
	var names []string
	for _, s := range all {
		names = append(names, fmt.Sprintf("%s (%d bytes)", s.name, s.size))
	}
	return strings.Join(names, ", ")
}
