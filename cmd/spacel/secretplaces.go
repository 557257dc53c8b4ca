package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/schema/edit"
	"github.com/pebble/spacel/schema/manifest"
	"github.com/pebble/spacel/schema/report"
)

// secretPlace is the place of a payload, existing or new, in one section of a manifest.
type secretPlace struct {
	file     string
	path     []string // in the file; nil: the file is the payload
	key      string   // that the payload is bound to
	verbatim bool     // a file's content, in which a final newline matters
}

// String returns file and path. Two places with equal texts are the same place.
func (p secretPlace) String() string {
	if p.path == nil {
		return p.file
	}
	return p.file + ": " + strings.Join(p.path, ".")
}

// places returns the places of the secret that --key, --file, --registry or --endpoint names, sorted. There is one for each section of
// the manifest with the service, file or endpoint, since a region's section overrides that for all regions.
func (v *secretEditor) places(ctx *cli.Context) ([]secretPlace, error) {
	if err := onePlace(ctx); err != nil {
		return nil, err
	}
	var found []secretPlace
	var err error
	switch {
	case ctx.IsSet("key"):
		found, err = v.variablePlaces(ctx.String("key"), ctx.StringSlice("service"))
	case ctx.IsSet("file"):
		found = v.filePlaces(ctx.String("file"))
	case ctx.IsSet("registry"):
		found = v.registryPlaces(ctx.String("registry"))
	default:
		found, err = v.endpointPlaces(ctx.String("endpoint"))
	}
	slices.SortFunc(found, func(a, b secretPlace) int { return strings.Compare(a.String(), b.String()) })
	return slices.CompactFunc(found, func(a, b secretPlace) bool { return a.String() == b.String() }), err
}

// unshared returns an error when --region would write a payload for the chosen regions into a section that other regions
// read, too: their instances could not decrypt it.
func (v *secretEditor) unshared(ctx *cli.Context, places []secretPlace) error {
	if !ctx.Bool("modify") || len(v.others.Regions) == 0 {
		return nil
	}
	// The other regions' places are found by the same rules, with their half of the app.
	also := *v
	also.app = v.others
	read, err := also.places(ctx)
	if err != nil {
		return nil // they do not have it at all
	}
	for _, p := range places {
		if slices.ContainsFunc(read, func(o secretPlace) bool { return o.String() == p.String() }) {
			return fmt.Errorf("%s: --region: %s is read in %s too: leave --region out, or write it into a section of the region first",
				ctx.Command.HelpName, p, v.others.Regions[0].Region)
		}
	}
	return nil
}

// onePlace checks that exactly one kind of secret is named.
func onePlace(ctx *cli.Context) error {
	given := 0
	for _, flag := range []string{"key", "file", "registry", "endpoint"} {
		if ctx.IsSet(flag) {
			given++
		}
	}
	if given != 1 {
		return fmt.Errorf("%s: which secret? Give one of --key, --file, --registry and --endpoint", ctx.Command.HelpName)
	}
	if ctx.IsSet("service") && !ctx.IsSet("key") {
		return fmt.Errorf("%s: --service goes with --key", ctx.Command.HelpName)
	}
	return nil
}

// variablePlaces returns the places of an environment variable, in these services. An app with one service needs no
// --service. The .service of a unit's name may be left out.
func (v *secretEditor) variablePlaces(key string, services []string) ([]secretPlace, error) {
	names := v.serviceNames()
	if len(services) == 0 {
		// Guessing one of several services could put a secret into the wrong container.
		if len(names) != 1 {
			return nil, fmt.Errorf("app %s has several services: whose variable is %s? Say --service, one or more of %s", v.app.Name, key,
				strings.Join(names, ", "))
		}
		services = names
	}
	var found []secretPlace
	for _, name := range services {
		if !strings.Contains(name, ".") {
			name += ".service"
		}
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("app %s has no service %s%s", v.app.Name, name, suggestion(name, names))
		}
		for _, region := range v.app.Regions {
			for _, service := range region.Services {
				if service.Name == name {
					found = append(found, at(service.Pos, key, "environment", key))
				}
			}
		}
	}
	return found, nil
}

// serviceNames returns the services of the app in any region, sorted. Timers are left out, as they have no environment.
func (v *secretEditor) serviceNames() []string {
	var names []string
	for _, region := range v.app.Regions {
		for _, service := range region.Services {
			if strings.HasSuffix(service.Name, ".service") {
				names = append(names, service.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// filePlaces returns the places of a file. A file missing in the manifest is put into the section for all regions.
func (v *secretEditor) filePlaces(name string) []secretPlace {
	var found []secretPlace
	for _, region := range v.app.Regions {
		for _, file := range region.Files {
			if file.Name == name {
				found = append(found, at(file.Pos, name))
			}
		}
	}
	if found == nil {
		section := append(manifest.SelectedKeys(v.app.Pos.In), "all", "files", name)
		found = []secretPlace{{file: v.mainFile(), path: section, key: name}}
	}
	for i := range found {
		found[i].verbatim = true
	}
	return found
}

// registryPlaces returns the places of a registry's password. A registry missing in the manifest is put into the section for all
// regions. Its username is written by hand.
func (v *secretEditor) registryPlaces(host string) []secretPlace {
	key := document.RegistryKey(host)
	var found []secretPlace
	for _, region := range v.app.Regions {
		for _, registry := range region.Registries {
			if registry.Host == host {
				found = append(found, at(registry.Pos, key, "password"))
			}
		}
	}
	if found == nil {
		section := append(manifest.SelectedKeys(v.app.Pos.In), "all", "registries", host, "password")
		found = []secretPlace{{file: v.mainFile(), path: section, key: key}}
	}
	return found
}

// mainFile returns the manifest's path, also when the app is given as a directory.
func (v *secretEditor) mainFile() string { return v.app.Pos.File }

// endpointPlaces returns the places of an alarm endpoint's webhook. An endpoint has more fields than its URL, so it must
// exist, while a new file or variable is complete with its secret.
func (v *secretEditor) endpointPlaces(name string) ([]secretPlace, error) {
	var found []secretPlace
	var names []string
	for _, region := range v.app.Regions {
		for _, endpoint := range region.Alarms.Endpoints {
			names = append(names, endpoint.Name)
			if endpoint.Name == name {
				found = append(found, at(endpoint.Pos, secrets.WebhookKey, "url"))
			}
		}
	}
	if found == nil {
		slices.Sort(names)
		return nil, fmt.Errorf("app %s has no alarm endpoint %s%s; write it into the manifest first, its type at least", v.app.Name, name,
			suggestion(name, slices.Compact(names)))
	}
	return found, nil
}

// suggestion completes a message about an unknown name: by the nearest known one, or else by all of them.
func suggestion(word string, known []string) string {
	if hint := report.Suggest(word, known); hint != "" || len(known) == 0 {
		return hint
	}
	return "; it has " + strings.Join(known, ", ")
}

// at returns a place below a node of the manifest. A node that comes from a .crypt file of an app's directory is that whole
// file.
func at(pos report.Pos, key string, below ...string) secretPlace {
	if filepath.Ext(pos.File) == ".crypt" && len(below) == 0 {
		return secretPlace{file: pos.File, key: key}
	}
	keys := append(manifest.SelectedKeys(pos.In), pos.Keys()...)
	return secretPlace{file: pos.File, path: append(keys, below...), key: key}
}

// edited returns the new contents of the files with a payload at each place. Nothing is written here: an error at
// one place leaves all files as they are.
func edited(places []secretPlace, payload func(secretPlace) (document.Payload, error)) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, place := range places {
		body, known := files[place.file]
		if !known {
			var err error
			if body, err = os.ReadFile(place.file); err != nil {
				return nil, err
			}
		}
		value, err := payload(place)
		if err != nil {
			return nil, err
		}
		if files[place.file], err = place.edit(body, value); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// edit returns a file's content with a payload at the place. Unit and environment files have no structure to put one into.
func (p secretPlace) edit(body []byte, value document.Payload) ([]byte, error) {
	if p.path == nil {
		return encodeJSON(value)
	}
	if slices.Contains([]string{".service", ".timer", ".env"}, filepath.Ext(p.file)) {
		return nil, errors.New(p.file + " is not a manifest")
	}
	return edit.Set(p.file, body, p.path, value)
}
