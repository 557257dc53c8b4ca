package main

import (
	"strings"
	"testing"

	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/deploy/history"
	"github.com/pebble/spacel/internal/cloudtest"
)

// A rollback whose run died between two regions goes to the same release in both of them, by the same command.
func TestRollbackGoesOn(t *testing.T) {
	cf := cloudtest.NewCloudFormation(t)
	for _, region := range []string{west, east} {
		cf.Put(t, cloudtest.Stack{Region: region, Name: "test-tables", Status: "CREATE_COMPLETE", Template: oddTables,
			Tags: map[string]string{"spacel:orbit": "test"}})
		cf.Put(t, cloudtest.Stack{Region: region, Name: "test-web", Status: "UPDATE_COMPLETE", Template: vpcTemplate,
			Tags: map[string]string{"spacel:orbit": "test", "spacel:app": "web"}})
	}
	c := cloud.New(cf.Config(t, ""), cloud.Access{})
	for n, command := range []string{"deploy", "deploy", "rollback"} {
		w := &history.Writer{}
		id := history.NewID()
		for _, region := range []string{west, east} {
			r := history.Record{App: "web", Region: region, ID: id, Command: command, Outcome: history.Running,
				Template: strings.Repeat(string(rune('a'+n)), 64)}
			if command == "rollback" {
				r.Again, r.Template = 1, strings.Repeat("a", 64)
			}
			w.Region(history.Open(c, "test", region), r, false)
		}
		if err := w.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, region := range []string{west, east} {
			if command == "rollback" && region == east {
				continue // the run was killed
			}
			if _, err := w.Change(t.Context(), region, func(r *history.Record) { r.Outcome = history.Good }); err != nil {
				t.Fatal(err)
			}
		}
	}
	to := &target{Orbit: "test", Regions: []string{west, east}, Cloud: c}
	back, err := to.findRelease(t.Context(), "web", 0)
	if err != nil || back.Number != 1 || len(back.Targets) != 2 {
		t.Errorf("%+v %v", back, err)
	}
}
