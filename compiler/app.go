package compiler

import "github.com/pebble/spacel/schema"

// appContext is what an app's capabilities may look at.
type appContext struct {
	model  *schema.Model
	app    *schema.App
	region *schema.AppRegion
	net    network
	sink   Sink
}

func appStack(a appContext, r *schema.Report) *part { return &part{} }
