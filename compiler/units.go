package compiler

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema/content"
	"github.com/pebble/spacel/schema/report"
	"github.com/pebble/spacel/schema/units"
)

// services puts the app's services and files into the instance document: each service's unit, its environment, and the files.
func services(a appContext, r *report.Report) *part {
	all := map[string]document.Content{}
	environments := map[string][]document.Variable{}
	awaited := map[string]bool{}
	for _, service := range a.region.Services {
		for _, d := range service.Container.DependsOn {
			awaited[d.Unit] = awaited[d.Unit] || d.Condition == units.Healthy
		}
	}
	for _, service := range a.region.Services {
		service.Volumes = append(slices.Clip(service.Volumes), authorities(a)...)
		all[service.Name] = unit(service, awaited[service.Name], r)
		if service.Container.Schedule != "" {
			all[units.TimerName(service.Name)] = document.Content{Lines: jobTimer(service)}
		}
		if base, ok := strings.CutSuffix(service.Name, ".service"); ok {
			environments[base+".env"] = environment(service)
		}
	}
	files := map[string]document.Content{}
	for _, file := range a.region.Files {
		made := documentContent(file.Text, file.Mode)
		made.User = file.User
		files[file.Name] = made
	}
	return &part{document: func(d *document.Document[cfn.Value]) {
		d.Units, d.Environments, d.Files = all, environments, files
	}}
}

// unit is a service's own unit file, or one that runs its container.
func unit(service units.Service, awaited bool, r *report.Report) document.Content {
	if service.UnitFile != nil {
		return documentContent(*service.UnitFile, "")
	}
	if !containerName.MatchString(service.Name) {
		r.Errorf(service.Pos, "a container's name may hold only letters, digits, _ . and -, and must end in .service; got %s", service.Name)
	}
	return document.Content{Lines: containerUnit(service, awaited)}
}

// environment is never nil: the unit reads its file even when nothing is in it.
func environment(service units.Service) []document.Variable {
	variables := []document.Variable{}
	for _, v := range service.Environment {
		variables = append(variables, variable(v))
	}
	return variables
}

// variable converts the model's type to the document's.
func variable(v content.Variable) document.Variable {
	return document.Variable{Name: v.Name, Value: v.Value, Payload: payload(v.Payload), From: documentReference(v.From)}
}

// documentContent returns text as lines, for a reviewer to read. Bytes that JSON cannot hold become base64.
func documentContent(text content.Text, mode string) document.Content {
	c := document.Content{Payload: payload(text.Payload), From: documentReference(text.From)}
	if mode != "0644" {
		c.Mode = mode
	}
	switch {
	case c.Payload != nil, c.From != "":
	case utf8.Valid(text.Body):
		c.Lines = strings.Split(string(text.Body), "\n")
	default:
		c.Base64 = base64.StdEncoding.EncodeToString(text.Body)
	}
	return c
}

// payload converts the model's type to the document's.
func payload(p *content.Payload) *document.Payload {
	if p == nil {
		return nil
	}
	return &document.Payload{
		Version:    p.Version,
		IV:         p.IV,
		Key:        p.Key,
		Ciphertext: p.Ciphertext,
		KeyRegion:  p.KeyRegion,
		Encoding:   p.Encoding,
	}
}
