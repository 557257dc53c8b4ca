//go:build boot

package boottest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pebble/spacel/compiler/assembly"
)

// stack is a built stack with values for its parameters: as much of CloudFormation as user data asks for.
type stack struct {
	assembly.Stack
	id        string
	account   string
	template  template
	parameter func(name string, from assembly.ValueFrom) (string, error)
	addresses map[string]string // the allocation id of each elastic address, by logical id
}

type template struct {
	Parameters map[string]struct{ Default *string }
	Resources  map[string]struct {
		Type       string
		Properties struct {
			LaunchTemplateData struct{ UserData any }
		}
	}
}

// readStack reads a stack of an artifact directory.
func readStack(t *testing.T, dir, name string) *stack {
	t.Helper()
	var manifest assembly.Manifest
	decode(t, filepath.Join(dir, "manifest.json"), &manifest)
	for _, s := range manifest.Stacks {
		if s.Name == name {
			made := &stack{Stack: s}
			decode(t, filepath.Join(dir, s.Template), &made.template)
			return made
		}
	}
	t.Fatalf("the build has no stack %s", name)
	return nil
}

func decode(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
}

// userData is what EC2 gives an instance of the stack.
func (s *stack) userData(t *testing.T) string {
	t.Helper()
	for id, r := range s.template.Resources {
		if r.Type != "AWS::EC2::LaunchTemplate" {
			continue
		}
		text, err := s.resolve(r.Properties.LaunchTemplateData.UserData)
		if err != nil {
			t.Fatalf("resolve the user data of %s: %v", id, err)
		}
		if limit := 16 << 10; len(text) > limit {
			t.Fatalf("user data has %d bytes, and EC2 takes %d", len(text), limit)
		}
		return text
	}
	t.Fatal("the template has no launch template")
	return ""
}

// resolve gives a value's text. Base64 stays undone: EC2 undoes it.
func (s *stack) resolve(v any) (string, error) {
	if text, ok := v.(string); ok {
		return text, nil
	}
	call, ok := v.(map[string]any)
	if !ok || len(call) != 1 {
		return "", fmt.Errorf("expected a text or a function, got %v", v)
	}
	for name, argument := range call {
		switch name {
		case "Fn::Base64":
			return s.resolve(argument)
		case "Ref":
			return s.ref(argument.(string))
		case "Fn::GetAtt":
			return s.attribute(argument.([]any))
		case "Fn::Join":
			return s.join(argument.([]any))
		case "Fn::Sub":
			return s.sub(argument)
		}
	}
	return "", fmt.Errorf("no test knows the value of %v", v)
}

func (s *stack) attribute(of []any) (string, error) {
	if id, ok := s.addresses[of[0].(string)]; ok && of[1] == "AllocationId" {
		return id, nil
	}
	return "", fmt.Errorf("no test knows the attribute %v", of)
}

func (s *stack) join(arguments []any) (string, error) {
	var parts []string
	for _, v := range arguments[1].([]any) {
		part, err := s.resolve(v)
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, arguments[0].(string)), nil
}

// substitution is what Fn::Sub replaces, and ${! which stands for ${.
var substitution = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

func (s *stack) sub(argument any) (string, error) {
	text, ok := argument.(string)
	if !ok {
		return "", fmt.Errorf("no test knows Fn::Sub with variables: %v", argument)
	}
	var failed error
	text = substitution.ReplaceAllStringFunc(text, func(found string) string {
		match := substitution.FindStringSubmatch(found)
		if match[1] != "" {
			return "${" + match[2] + "}"
		}
		value, err := s.ref(match[2])
		if err != nil {
			failed = err
		}
		return value
	})
	return text, failed
}

func (s *stack) ref(name string) (string, error) {
	switch name {
	case "AWS::Region":
		return s.Region, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::AccountId":
		return s.account, nil
	case "AWS::StackName":
		return s.Name, nil
	case "AWS::StackId":
		return s.id, nil
	}
	if _, ok := s.template.Parameters[name]; !ok {
		return "", fmt.Errorf("no test knows what the resource %s refers to", name)
	}
	from, ok := s.Parameters[name]
	if !ok {
		return "", fmt.Errorf("the parameter %s has no source", name)
	}
	return s.parameter(name, from)
}
