package cloudtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Seen is the state of a stack without ids and times, so that two runs can be compared.
// Tests that interrupt a deploy compare it with the state of an undisturbed run.
type Seen struct {
	Status       types.StackStatus   `json:"status"`
	Template     string              `json:"template"`
	Parameters   map[string]string   `json:"parameters,omitempty"`
	Tags         map[string]string   `json:"tags,omitempty"`
	Outputs      map[string]string   `json:"outputs,omitempty"`
	Resources    map[string]string   `json:"resources,omitempty"` // logical id → type and properties
	Protected    bool                `json:"protected"`
	Capabilities []types.Capability  `json:"capabilities,omitempty"`
	ChangeSets   []string            `json:"changeSets,omitempty"` // not executed
	IDs          map[string]string   `json:"-"`                    // logical → physical id
	Events       []types.StackEvent  `json:"-"`
	History      []types.StackStatus `json:"-"` // all states so far
}

// Seen returns a stack, nil if there is none. Its ids are written as {region/stack/logical id}.
func (c *CloudFormation) Seen(region, name string) *Seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.advance(time.Now())
	names := c.engine.idReplacer()
	for _, s := range c.engine.stacks {
		if s.region == region && s.name == name && s.deleted.IsZero() {
			return s.seen(names)
		}
	}
	return nil
}

// State returns the whole account as one text. Equal states give equal texts, whatever operations led to them and in whichever
// account. Deleted stacks, and objects that stacks no longer use, are not included.
func (c *CloudFormation) State() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine.advance(time.Now())
	names := c.engine.idReplacer()
	stacks := map[string]*Seen{}
	for _, s := range c.engine.stacks {
		if s.deleted.IsZero() {
			stacks[s.region+"/"+s.name] = s.seen(names)
		}
	}
	whole := map[string]any{"stacks": stacks, "retained": listed(c.engine.retained), "byHand": c.engine.changedByHand()}
	out, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(out)
}

// Everything returns State, and also objects in buckets, snapshots, ids and events. Two results are equal only if
// nothing permanent was done between them.
func (c *CloudFormation) Everything() string {
	state := c.State()
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	b.WriteString(state)
	for _, s := range c.engine.stacks {
		if !s.deleted.IsZero() {
			continue
		}
		fmt.Fprintf(&b, "\n%s %s %s\n%s", s.id, s.updated, compact(s.events), compact(s.describe()))
	}
	for _, name := range slices.Sorted(maps.Keys(c.buckets)) {
		for _, key := range slices.Sorted(maps.Keys(c.buckets[name].objects)) {
			fmt.Fprintf(&b, "\ns3://%s/%s %s", name, key, digest(64, string(c.buckets[name].objects[key])))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.engine.items)) {
		fmt.Fprintf(&b, "\nitems of %s %s", name, compact(c.engine.items[name]))
	}
	fmt.Fprintf(&b, "\nsnapshots %v", listed(c.engine.snapshots))
	return b.String()
}

// Snapshots lists the snapshots of deleted resources by region, type and id.
func (c *CloudFormation) Snapshots() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return listed(c.engine.snapshots)
}

// Retained lists the resources that stacks left behind by region, type and name.
func (c *CloudFormation) Retained() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return listed(c.engine.retained)
}

// listed returns the assets as sorted texts.
func listed(all []asset) []string {
	texts := []string{}
	for _, a := range all {
		texts = append(texts, a.String())
	}
	slices.Sort(texts)
	return texts
}

// idReplacer replaces physical ids by region, stack and logical id. Longer ids come first, because one id can begin
// like another.
func (e *engine) idReplacer() *strings.Replacer {
	ids := map[string]string{e.account: "{account}"}
	for _, s := range e.stacks {
		ids[s.id] = "{" + s.region + "/" + s.name + "}"
		for _, r := range s.resources {
			// A custom name is the same in every run and stays readable. Ids made of a digest (DNS names, allocations) follow.
			if r.Physical != "" && customName(r.Type, r.Properties) == "" {
				ids[r.Physical] = "{" + s.region + "/" + s.name + "/" + r.Logical + "}"
				ids[digest(16, r.Physical)] = "{" + s.region + "/" + s.name + "/" + r.Logical + "}"
				ids[digest(17, r.Physical)] = "{" + s.region + "/" + s.name + "/" + r.Logical + "}"
			}
		}
	}
	longest := slices.SortedFunc(maps.Keys(ids), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var pairs []string
	for _, id := range longest {
		pairs = append(pairs, id, ids[id])
	}
	return strings.NewReplacer(pairs...)
}

// seen returns the stack's state. Texts that may hold ids go through names; the template does not, as it has none.
func (s *stack) seen(names *strings.Replacer) *Seen {
	seen := &Seen{
		Status: s.status, Template: s.inputs.body, Parameters: map[string]string{}, Tags: s.inputs.tags, Outputs: map[string]string{},
		Resources: map[string]string{}, Protected: s.protected, Capabilities: s.inputs.capabilities, IDs: map[string]string{},
		Events: s.events,
	}
	for name, value := range s.inputs.parameters {
		seen.Parameters[name] = names.Replace(value)
	}
	for name, value := range s.outputs {
		seen.Outputs[name] = names.Replace(value)
	}
	for _, r := range s.resources {
		if r.exists() {
			seen.Resources[r.Logical] = names.Replace(r.Type + " " + compact(decodeBase64Texts(r.Properties)))
			seen.IDs[r.Logical] = r.Physical
		}
	}
	for _, set := range s.changeSets {
		// Executed and obsolete change sets do not count: a deploy must leave none of the others behind.
		if set.execution == types.ExecutionStatusAvailable || set.execution == types.ExecutionStatusUnavailable {
			seen.ChangeSets = append(seen.ChangeSets, set.name)
		}
	}
	for _, e := range s.events {
		if *e.LogicalResourceId == s.name {
			seen.History = append(seen.History, types.StackStatus(e.ResourceStatus))
		}
	}
	return seen
}

// decodeBase64Texts decodes the base64 texts in a value (user data): the ids inside them must be replaced, too.
func decodeBase64Texts(v any) any {
	switch v := v.(type) {
	case map[string]any:
		all := map[string]any{}
		for name, each := range v {
			all[name] = decodeBase64Texts(each)
		}
		return all
	case []any:
		var all []any
		for _, each := range v {
			all = append(all, decodeBase64Texts(each))
		}
		return all
	case string:
		// Short words such as "true" are valid base64 by chance. User data is always longer than 64 characters.
		if decoded, err := base64.StdEncoding.DecodeString(v); err == nil && len(v) > 64 {
			return string(decoded)
		}
	}
	return v
}
