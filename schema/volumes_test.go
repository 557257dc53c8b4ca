package schema

import "testing"

// Every type whose disks the launch maps is one with disks, and the numbers begin within what a manifest may say.
func TestMappedDisksAreInstanceStores(t *testing.T) {
	facts, err := newLanguage(t).facts()
	if err != nil {
		t.Fatal(err)
	}
	if len(facts.catalog.MappedDisks) < 40 {
		t.Errorf("only %d types", len(facts.catalog.MappedDisks))
	}
	for kind, count := range facts.catalog.MappedDisks {
		if !facts.catalog.InstanceStore.MatchString(kind) || count < 1 || count > 24 {
			t.Errorf("%s has %d disks", kind, count)
		}
	}
}
