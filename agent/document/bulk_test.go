package document

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
)

// The bulk travels as JSON, from the compiler's document to the agent's, and every field of it arrives. Fields are found by
// reflection, so a field that joins the bulk is tested, too.
func TestBulkArrives(t *testing.T) {
	full := filled(t)
	bulk := full.Bulk()
	body, err := json.Marshal(bulk)
	if err != nil {
		t.Fatal(err)
	}
	var fetched Document[string]
	if err := json.Unmarshal(body, &fetched); err != nil {
		t.Fatal(err)
	}
	onInstance := full
	onInstance.DropBulk()
	if reflect.DeepEqual(onInstance, full) {
		t.Fatal("nothing was dropped")
	}
	onInstance.TakeBulk(&fetched)
	if !reflect.DeepEqual(onInstance, full) {
		t.Errorf("the instance has\n%+v, want\n%+v", onInstance, full)
	}
}

// Each field is either in the bulk, or stays in user data when the bulk is dropped. Only what says whose a document is is in both.
func TestFieldsAreInOnePiece(t *testing.T) {
	full := filled(t)
	bulk, rest := full.Bulk(), full
	rest.DropBulk()
	both := []string{"Format", "Orbit", "App", "Region"}
	for i := range reflect.TypeFor[Document[string]]().NumField() {
		name := reflect.TypeFor[Document[string]]().Field(i).Name
		inBulk, inRest := !reflect.ValueOf(bulk).Field(i).IsZero(), !reflect.ValueOf(rest).Field(i).IsZero()
		if !inBulk && !inRest || inBulk && inRest != slices.Contains(both, name) {
			t.Errorf("%s: in the bulk: %t, beside it: %t", name, inBulk, inRest)
		}
	}
}

// filled returns a document none of whose fields is empty.
func filled(t *testing.T) Document[string] {
	t.Helper()
	var d Document[string]
	fill(t, reflect.ValueOf(&d).Elem())
	return d
}

// fill gives a value, and all that it holds, something else than zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Int:
		v.SetInt(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Map:
		element := reflect.New(v.Type().Elem()).Elem()
		fill(t, element)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), element)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("a document has a %s: teach this test to fill one", v.Type())
	}
}
