package compiler

import "github.com/pebble/spacel/schema"

// pending warns of what the language accepts and checks but no capability lowers yet. A capability that comes deletes its
// line.
func pending(app *schema.AppRegion, r *schema.Report) {
	for _, field := range []struct {
		name string
		used bool
	}{
		{"volumes", len(app.Volumes) > 0},
		{"databases", len(app.Databases) > 0},
		{"caches", len(app.Caches) > 0},
		{"alarms", len(app.Alarms.Endpoints)+len(app.Alarms.Triggers) > 0},
		{"logging", app.Written("logging")},
		{"spot", app.Spot != nil},
		{"cw_stats", app.CWStats},
	} {
		if field.used {
			r.Warnf(app.At(field.name), "accepted and checked, but this version makes nothing of it yet")
		}
	}
}
