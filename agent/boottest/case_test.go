//go:build boot

package boottest

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/agent/secrets"
	"github.com/pebble/spacel/compiler/assembly"
	"github.com/pebble/spacel/internal/cloudtest"
)

// What all cases share. The names of the region and the bucket are in the image's /etc/hosts, too.
const (
	orbit        = "test"
	region       = "eu-west-1"
	bucket       = "spacel-boot-test"
	instanceType = "t3.nano"
	version      = "v7"
	secretText   = "correct horse battery staple"
)

// bootCase is an app, and what becomes of an instance of it.
type bootCase struct {
	name   string            // of the app, or bastion
	docker bool              // the image has Docker already
	qemu   bool              // it takes a kernel of its own
	age    time.Duration     // how long ago EC2 launched the instance when the machine starts
	sealed string            // the key that the app's secret is bound to
	alter  map[string]string // parameters that deploy would never give

	registries bool   // it pulls images
	like       string // the case whose manifest it has; without it its own
	agent      bool   // the image has the agent already
	two        bool   // a second machine of the same release boots at the same time

	signal string   // SUCCESS or FAILURE
	log    []string // what the boot log says
	within time.Duration
	check  func(t *testing.T, w *awsEnv)
}

// awsEnv is one case: an account with what deploy puts there, and an instance.
type awsEnv struct {
	bootCase
	t        *testing.T
	config   aws.Config
	cloud    *cloud
	machine  machine
	instance instance
	stack    *stack
	dir      string  // what was built
	ada, eve person  // an admin of the app, and one of another
	mallory  person  // of none
	seen     string  // for the summary
	beside   *awsEnv // the second machine

	poweredOn, signalledAt time.Time
	bootLog                string
}

func (c bootCase) run(t *testing.T) {
	if c.qemu && *engine != "qemu" {
		summary = append(summary, row{c.name, c.signal, "not run: it takes qemu", "-", 0})
		t.Skip("it takes qemu")
	}
	w := &awsEnv{bootCase: c, t: t, seen: "no signal"}
	began := time.Now()
	defer func() {
		w.leave()
		summary = append(summary, row{c.name, c.signal + c.reason(), w.seen, verdict(t), int(time.Since(began).Seconds())})
	}()
	image := makeImage(t, c.docker)
	moto := cloudtest.Moto(t)
	w.config = cloudtest.Config(t, moto, region)
	w.build()
	w.prepare()
	w.cloud = New(t, moto)
	hosts := map[string]http.Handler{}
	if c.registries {
		hosts = w.registries()
	}
	w.machine = newMachine(t, surroundings{
		image: image, instance: w.instance.id, metadata: newMetadata(t, w.instance, w.userData()), cloud: byHost(hosts, w.cloud),
		cloudTrust: &tls.Config{Certificates: []tls.Certificate{certificate(t)}}, hasAgent: c.agent,
	})
	w.poweredOn = time.Now()
	w.machine.start(t)
	if c.two {
		w.startBeside(hosts, moto)
	}
	w.expectSignal()
	w.expectLog()
	if c.signal == "SUCCESS" && c.name != bastion && !t.Failed() {
		w.measure()
	}
	if c.check != nil {
		c.check(t, w)
	}
	if strings.Contains(w.machine.screen(), secretText) {
		t.Error("the console shows a secret")
	}
	t.Logf("the machine called %s", strings.Join(w.cloud.operations(), ", "))
}

func verdict(t *testing.T) string {
	if t.Failed() {
		return "FAILED"
	}
	return "ok"
}

func (c bootCase) reason() string {
	if len(c.log) == 0 {
		return ""
	}
	return ": " + c.log[len(c.log)-1]
}

// leave shows the console to who looks into a failure.
func (w *awsEnv) leave() {
	if w.machine == nil {
		return
	}
	if w.t.Failed() {
		screen := w.machine.screen()
		w.t.Logf("the console ended with\n%s", screen[max(0, len(screen)-8000):])
	}
}

// must is for what has to go well before there is anything to test.
func must[T any](t *testing.T, what string) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return v
	}
}

// build builds the orbit and the case's app, as a user does.
func (w *awsEnv) build() {
	w.t.Helper()
	dir := w.t.TempDir()
	args := []string{"build", "--orbit", "testdata/orbit.yaml", "--with-orbit"}
	if w.name != bastion {
		args = append(args, w.manifest(dir))
	}
	w.dir = filepath.Join(dir, "build")
	said, err := exec.Command(programs.spacel, append(args, "--out", w.dir)...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("spacel build: %v\n%s", err, said)
	}
	w.stack = readStack(w.t, w.dir, orbit+"-"+w.name)
	w.stack.account = cloudtest.Account(w.t)
	w.stack.id = fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/3d4e1f60-0000-4000-8000-0123456789ab", region, w.stack.account,
		w.stack.Name)
	w.stack.parameter = w.parameter
}

// bastion is the case of the orbit's own machine.
const bastion = "bastion"

// manifest writes the case's manifest, with what stands for LARGE and PAYLOAD.
func (w *awsEnv) manifest(dir string) string {
	w.t.Helper()
	source := must[[]byte](w.t, "read the manifest")(os.ReadFile("testdata/" + cmp.Or(w.like, w.name) + ".yaml"))
	large := make([]byte, 12<<10)
	_, _ = rand.Read(large)
	text := strings.ReplaceAll(string(source), "LARGE", base64.StdEncoding.EncodeToString(large))
	if w.sealed != "" {
		text = strings.ReplaceAll(text, "PAYLOAD", encode(w.t, w.seal()))
	}
	text = strings.Replace(text, "name: "+w.like+"\n", "name: "+w.name+"\n", 1)
	text = strings.NewReplacer(containerWords(w.t)...).Replace(text)
	path := filepath.Join(dir, w.name+".yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// seal encrypts the app's secret with the app's key.
func (w *awsEnv) seal() document.Payload {
	w.t.Helper()
	client := kms.NewFromConfig(w.config)
	bound := secrets.Context{Orbit: orbit, App: w.name, Key: w.sealed}
	key := must[*kms.CreateKeyOutput](w.t, "make a key")(client.CreateKey(w.t.Context(), &kms.CreateKeyInput{}))
	must[*kms.CreateAliasOutput](w.t, "name the key")(client.CreateAlias(w.t.Context(), &kms.CreateAliasInput{
		AliasName: aws.String(bound.Alias()), TargetKeyId: key.KeyMetadata.KeyId,
	}))
	return must[document.Payload](w.t, "encrypt")(secrets.Seal(w.t.Context(), client, []byte(secretText), bound, []string{region}))
}

// prepare puts into the account what deploy and EC2 do: the tables, the agent, the assets, the instance, and people.
func (w *awsEnv) prepare() {
	w.t.Helper()
	ctx, t := w.t.Context(), w.t
	tables := readStack(t, w.dir, orbit+"-tables")
	body := must[[]byte](t, "read the tables")(os.ReadFile(filepath.Join(w.dir, tables.Template)))
	must[*cloudformation.CreateStackOutput](t, "make the tables")(cloudformation.NewFromConfig(w.config).CreateStack(ctx,
		&cloudformation.CreateStackInput{StackName: &tables.Name, TemplateBody: aws.String(string(body))}))

	files := s3.NewFromConfig(w.config, func(o *s3.Options) { o.UsePathStyle = true })
	must[*s3.CreateBucketOutput](t, "make a bucket")(files.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String(bucket), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region},
	}))
	t.Cleanup(func() { emptyBucket(t, files) })
	w.upload(files, "agent", programs.agent)
	for _, asset := range must[[]os.DirEntry](t, "read the assets")(readDir(filepath.Join(w.dir, "assets"))) {
		w.upload(files, "assets/"+asset.Name(), filepath.Join(w.dir, "assets", asset.Name()))
	}

	const image = "ami-12c6146b" // one that moto has
	run := must[*ec2.RunInstancesOutput](t, "launch an instance")(ec2.NewFromConfig(w.config).RunInstances(ctx,
		&ec2.RunInstancesInput{ImageId: aws.String(image), InstanceType: instanceType, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}))
	w.instance = instance{
		id: *run.Instances[0].InstanceId, image: image, account: w.stack.account, credentials: w.config.Credentials,
		launched: time.Now().Add(-w.age).Add(allowance()),
	}

	w.stack.addresses = map[string]string{}
	for id, r := range w.stack.template.Resources {
		if r.Type == "AWS::EC2::EIP" {
			address := must[*ec2.AllocateAddressOutput](t, "make an address")(ec2.NewFromConfig(w.config).AllocateAddress(ctx,
				&ec2.AllocateAddressInput{Domain: ec2types.DomainTypeVpc}))
			w.stack.addresses[id] = *address.AllocationId
		}
	}

	w.ada, w.eve, w.mallory = newPerson(t, "ada"), newPerson(t, "eve"), newPerson(t, "mallory")
	for _, p := range []person{w.ada, w.eve, w.mallory} {
		w.put(document.UsersTable, p.name, document.AccessKeys, p.line())
	}
	w.put(document.ServicesTable, "other", document.AccessAdmins, "eve")
	w.grant("ada")
}

// allowance is the time that emulation costs, which an instance must not miss.
func allowance() time.Duration {
	if *engine == "qemu" && !virtualized() {
		return 15 * time.Minute
	}
	return 0
}

// readDir is empty for a directory that is not there.
func readDir(dir string) ([]os.DirEntry, error) {
	all, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	return all, err
}

// emptyBucket makes room for the next case: the name of a bucket is one for all accounts.
func emptyBucket(t *testing.T, files *s3.Client) {
	ctx := context.Background()
	list, err := files.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil {
		t.Error(err)
		return
	}
	for _, o := range list.Contents {
		if _, err := files.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: o.Key}); err != nil {
			t.Error(err)
		}
	}
	if _, err := files.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Error(err)
	}
}

func (w *awsEnv) upload(files *s3.Client, key, path string) {
	w.t.Helper()
	file := must[*os.File](w.t, "open")(os.Open(path))
	defer file.Close()
	must[*s3.PutObjectOutput](w.t, "upload "+key)(files.PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(key), Body: file,
	}))
}

// grant lets people, and nobody else, log in to the app's instances.
func (w *awsEnv) grant(names ...string) {
	w.t.Helper()
	w.put(document.ServicesTable, w.name, document.AccessAdmins, names...)
}

func (w *awsEnv) put(table, name, attribute string, values ...string) {
	w.t.Helper()
	item := map[string]types.AttributeValue{document.AccessName: &types.AttributeValueMemberS{Value: name}}
	if len(values) > 0 {
		item[attribute] = &types.AttributeValueMemberSS{Value: values}
	}
	must[*dynamodb.PutItemOutput](w.t, "write to "+table)(dynamodb.NewFromConfig(w.config).PutItem(w.t.Context(),
		&dynamodb.PutItemInput{TableName: aws.String(orbit + "-" + table), Item: item}))
}

// parameter is what deploy resolves a parameter's source to.
func (w *awsEnv) parameter(name string, from assembly.ValueFrom) (string, error) {
	if value, ok := w.alter[name]; ok {
		return value, nil
	}
	switch {
	case from.Literal != nil:
		return *from.Literal, nil
	case from.Version != nil:
		return version, nil
	case from.Token != nil:
		return "", nil
	case from.Asset != nil && from.Asset.Part == "key":
		return "assets/" + from.Asset.Digest, nil
	case from.Asset != nil, from.Binary != nil && from.Binary.Part == "bucket":
		return bucket, nil
	case from.Binary != nil && from.Binary.Part == "key":
		return "agent", nil
	case from.Binary != nil && from.Binary.Part == "digest":
		return digest(programs.agent)
	case from.Output != nil && from.Output.Output == "BootLogGroup":
		return orbit + "-boot", nil
	}
	return "", fmt.Errorf("no test knows a value for the parameter %s", name)
}

func digest(path string) (string, error) {
	data, err := os.ReadFile(path)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}

func (w *awsEnv) userData() string {
	for name := range maps.Keys(w.alter) {
		if _, ok := w.stack.Parameters[name]; !ok {
			w.t.Fatalf("the stack has no parameter %s", name)
		}
	}
	return w.stack.userData(w.t)
}

// expectSignal waits for the one signal.
func (w *awsEnv) expectSignal() {
	w.t.Helper()
	end := time.Now().Add(w.within)
	for len(w.cloud.signalled()) == 0 {
		if err := w.machine.running(); err != nil {
			w.t.Fatal(err)
		}
		if time.Now().After(end) {
			w.t.Fatalf("no signal within %s", w.within)
		}
		time.Sleep(time.Second)
	}
	w.signalledAt = time.Now()
	got, want := w.cloud.signalled(), signal{w.stack.id, "Asg", w.instance.id, w.signal}
	w.seen = got[0].status
	if len(got) != 1 || got[0] != want {
		w.t.Errorf("CloudFormation was signalled %v, want %v", got, want)
	}
}

// expectLog wants the lines in the boot log.
func (w *awsEnv) expectLog() {
	w.t.Helper()
	out, err := cloudwatchlogs.NewFromConfig(w.config).GetLogEvents(w.t.Context(), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String(orbit + "-boot"), LogStreamName: aws.String(w.name + "/" + w.instance.id), StartFromHead: aws.Bool(true),
	})
	if err != nil {
		w.t.Errorf("read the boot log: %v", err)
		return
	}
	var log strings.Builder
	for _, e := range out.Events {
		fmt.Fprintln(&log, *e.Message)
	}
	w.bootLog = log.String()
	w.t.Logf("the boot log:\n%s", &log)
	if strings.Contains(log.String(), secretText) {
		w.t.Error("the boot log shows a secret")
	}
	for _, want := range w.log {
		if !strings.Contains(log.String(), want) {
			w.t.Errorf("the boot log does not say %q", want)
		} else {
			w.seen += ": " + want
		}
	}
}
