package compiler

import "github.com/pebble/spacel/schema"

func vpc(net network, r *schema.Report) *part { return &part{} }
