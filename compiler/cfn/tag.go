package cfn

// Tag is a key and a value on a resource.
type Tag struct {
	Key   string
	Value Value
}

// GroupTag is a tag of an auto scaling group, which says whether instances get it too.
type GroupTag struct {
	Key               string
	Value             Value
	PropagateAtLaunch bool
}
