//go:build boot

package boottest

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// startBeside starts a second machine of the same stack, with calls and signals of its own.
func (w *awsEnv) startBeside(hosts map[string]http.Handler, moto string) {
	w.t.Helper()
	run := must[*ec2.RunInstancesOutput](w.t, "launch a second instance")(ec2.NewFromConfig(w.config).RunInstances(w.t.Context(),
		&ec2.RunInstancesInput{ImageId: &w.instance.image, InstanceType: instanceType, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}))
	other := *w
	other.instance.id, other.cloud, other.seen, other.log = *run.Instances[0].InstanceId, New(w.t, moto), "", nil
	other.machine = newMachine(w.t, surroundings{
		image: makeImage(w.t, w.docker), instance: other.instance.id, metadata: newMetadata(w.t, other.instance, other.userData()),
		cloud: byHost(hosts, other.cloud), cloudTrust: &tls.Config{Certificates: []tls.Certificate{certificate(w.t)}},
	})
	other.poweredOn = time.Now()
	other.machine.start(w.t)
	w.beside = &other
}

// taskRanOnce holds that of two machines of one release one ran the task while the other waited, and that both serve.
func taskRanOnce(t *testing.T, w *awsEnv) {
	serves(t, w)
	w.beside.expectSignal()
	w.beside.expectLog()
	serves(t, w.beside)
	ran, waited := 0, 0
	for _, m := range []*awsEnv{w, w.beside} {
		begun := m.sudo("journalctl --quiet --output=cat --unit=spacel-task-migrate | grep -c \"migration ends\" || true")
		switch ends := strings.TrimSpace(begun); {
		case ends == "1" && strings.Contains(m.bootLog, "migrate of version "+version+" runs here"):
			ran++
		case ends == "0" && strings.Contains(m.bootLog, "migrate of version "+version+" has run already"):
			waited++
		default:
			t.Errorf("%s ran the task %s times, and its log says\n%s", m.instance.id, ends, m.bootLog)
		}
	}
	if ran != 1 || waited != 1 {
		t.Errorf("of two machines %d ran the task and %d found it done", ran, waited)
	}
	w.seen += "; two machines, one ran the task"
}
