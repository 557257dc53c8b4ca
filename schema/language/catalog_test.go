package language

import "testing"

// Every type whose disks the launch maps is one with disks, and the numbers begin within what a manifest may say.
func TestMappedDisksAreInstanceStores(t *testing.T) {
	facts, err := newLanguage(t).facts()
	if err != nil {
		t.Fatal(err)
	}
	if len(facts.Catalog.MappedDisks) < 40 {
		t.Errorf("only %d types", len(facts.Catalog.MappedDisks))
	}
	for kind, count := range facts.Catalog.MappedDisks {
		if !facts.Catalog.InstanceStore.MatchString(kind) || count < 1 || count > 24 {
			t.Errorf("%s has %d disks", kind, count)
		}
	}
}
