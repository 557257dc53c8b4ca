package compiler

func tables(net network) *part { return &part{} }
