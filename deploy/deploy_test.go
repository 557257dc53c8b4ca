package deploy

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

func TestDeployAgainChangesNothing(t *testing.T) {
	b := newEnv(t)
	vpc, web := testStack(east, "test-vpc", topics("Vpc"), protected),
		testStack(east, "test-web", reader("VpcId"), output("VpcId", "test-vpc", "Vpc", false), after("test-vpc"))
	b.expect(b.deploy(vpc, web), "test-vpc created, test-web created")
	if seen := b.cf.Seen(east, "test-vpc"); !seen.Protected || seen.Status != types.StackStatusCreateComplete {
		t.Errorf("got %+v", seen)
	}
	if got := b.cf.Seen(east, "test-web").Parameters["VpcId"]; got == "" {
		t.Error("the output did not arrive")
	}
	before := b.cf.Everything()
	b.cf.ResetCalls()
	b.expect(b.deploy(vpc, web), "test-vpc unchanged, test-web unchanged")
	if after := b.cf.Everything(); after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
	total := 0
	for name, n := range b.cf.Calls() {
		if name != "sts:GetCallerIdentity" {
			total += n
		}
	}
	if most := 4 * 2; total > most {
		t.Errorf("%d calls for two unchanged stacks, want at most %d: %v", total, most, b.cf.Calls())
	}
}
