package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	compute "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/pebble/spacel/agent/document"
	"github.com/pebble/spacel/deploy/cloud"
	"github.com/pebble/spacel/internal/cloudtest"
	"github.com/pebble/spacel/internal/needs"
)

// sshOrbit is the orbit test with two instances of app web behind a bastion. Its machines are OpenSSH servers on loopback: one is the
// bastion, one is both instances. EC2 is moto.
type sshOrbit struct {
	*testing.T
	cloud     *cloud.Cloud
	endpoint  string
	user      string
	dir       string
	instances []string // ids, the first one started first
	bastion   string
	keys      map[string]string // public host keys by server
}

// newSSHOrbit starts the servers, and a program ssh that finds them under the addresses of EC2.
func newSSHOrbit(t *testing.T) *sshOrbit {
	t.Helper()
	moto := cloudtest.Moto(t)
	me, err := user.Current()
	o := &sshOrbit{T: t, cloud: cloud.New(cloudtest.Config(t, moto, east), cloud.Access{}), endpoint: moto, dir: t.TempDir(),
		keys: map[string]string{}}
	o.check(err)
	o.user = me.Username
	for _, variable := range cloudtest.Environment(t, moto) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	t.Setenv("XDG_CACHE_HOME", filepath.Join(o.dir, "cache"))
	o.privilegeSeparation()
	o.keygen("user")
	o.install()
	bastion, instance := o.serve("bastion"), o.serve("instance")
	o.write("ssh_config", fmt.Sprintf("Host bastion.test\n  HostName 127.0.0.1\n  Port %d\n"+
		"Host 10.* 172.*\n  HostName 127.0.0.1\n  Port %d\n"+
		"Host *\n  IdentityFile %s/user\n  IdentitiesOnly yes\n  BatchMode yes\n", bastion, instance, o.dir))
	o.account()
	return o
}

func (o *sshOrbit) check(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *sshOrbit) write(name, text string) {
	o.Helper()
	o.check(os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600))
}

// privilegeSeparation makes the directory that Debian's sshd wants when root starts it.
func (o *sshOrbit) privilegeSeparation() {
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Mkdir("/run/sshd", 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		o.Fatal(err)
	}
}

// keygen makes a key pair.
func (o *sshOrbit) keygen(name string) {
	o.Helper()
	out, err := exec.Command(needs.Program(o, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", filepath.Join(o.dir, name)).
		CombinedOutput()
	if err != nil {
		o.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(filepath.Join(o.dir, name+".pub"))
	o.check(err)
	o.keys[name] = strings.TrimSpace(string(public))
}

// install makes the programs: ssh with our configuration, since OpenSSH takes the home directory from the user database and not from
// the environment, and sudo as it is for an admin of an app. The agent on an instance writes its words and runs the command.
func (o *sshOrbit) install() {
	bin := filepath.Join(o.dir, "bin")
	o.check(os.Mkdir(bin, 0o755))
	for name, text := range map[string]string{
		"ssh":  fmt.Sprintf("exec %s -F %s/ssh_config \"$@\"\n", needs.Program(o, "ssh"), o.dir),
		"sudo": fmt.Sprintf("printf '%%s\\0' \"$@\" > %s/sudo\nwhile [ \"$1\" != app ]; do shift; done\nshift\nexec \"$@\"\n", o.dir),
	} {
		o.check(os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text), 0o755))
	}
	o.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

// serve starts an OpenSSH server with a host key of its own, and returns its port.
func (o *sshOrbit) serve(name string) int {
	o.Helper()
	o.keygen(name)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	o.check(err)
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	o.write(name+"_config", fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s/%s\nAuthorizedKeysFile %s/user.pub\nStrictModes no\n"+
		"PidFile none\nUsePAM no\nPermitRootLogin yes\nSetEnv PATH=%s/bin:/usr/bin:/bin\n", port, o.dir, name, o.dir, o.dir))
	var log lockedBuffer
	server := exec.Command(needs.Program(o, "sshd"), "-D", "-e", "-f", filepath.Join(o.dir, name+"_config"))
	server.Stderr = &log
	o.check(server.Start())
	o.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if o.Failed() {
			o.Logf("sshd %s: %s", name, log.String())
		}
	})
	for range 200 {
		if conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			conn.Close()
			return port
		}
		time.Sleep(20 * time.Millisecond)
	}
	o.Fatalf("sshd does not listen: %s", log.String())
	return 0
}

// account makes the stacks, the group and the bastion, whose machines have recorded their keys.
func (o *sshOrbit) account() {
	r := o.cloud.Region(east)
	subnets, err := r.EC2().DescribeSubnets(o.Context(), &ec2.DescribeSubnetsInput{})
	o.check(err)
	launched, err := r.EC2().RunInstances(o.Context(), &ec2.RunInstancesInput{ImageId: aws.String("ami-12c6146b"), MinCount: aws.Int32(1),
		MaxCount: aws.Int32(1), SubnetId: subnets.Subnets[0].SubnetId})
	o.check(err)
	o.bastion = aws.ToString(launched.Instances[0].InstanceId)
	address, err := r.EC2().AllocateAddress(o.Context(), &ec2.AllocateAddressInput{Domain: compute.DomainTypeVpc})
	o.check(err)
	_, err = r.EC2().AssociateAddress(o.Context(), &ec2.AssociateAddressInput{AllocationId: address.AllocationId, InstanceId: &o.bastion})
	o.check(err)
	o.stack("vpc", "", "{}", `{}`)
	o.stack("bastion", "", `{"ElasticIp01": {"Value": "`+aws.ToString(address.PublicIp)+`"},
		"DnsRecord01": {"Value": "bastion.test"}}`, `{}`)
	o.stack("web", "web", `{"AutoScalingGroup": {"Value": "web"}}`, `{}`)
	o.group(aws.ToString(subnets.Subnets[0].SubnetId))
	o.record(o.bastion, o.keys["bastion"])
	for _, id := range o.instances {
		o.record(id, o.keys["instance"])
	}
}

// stack makes a stack with outputs.
func (o *sshOrbit) stack(name, app, outputs, resources string) {
	o.Helper()
	tags := []types.Tag{{Key: aws.String(document.TagOrbit), Value: aws.String("test")}}
	if app != "" {
		tags = append(tags, types.Tag{Key: aws.String(document.TagApp), Value: &app})
	}
	resources = strings.Replace(resources, "{", `{"Topic": {"Type": "AWS::SNS::Topic"}`, 1)
	stacks := o.cloud.Region(east).CloudFormation()
	name = document.StackName("test", name)
	_, _ = stacks.DeleteStack(o.Context(), &cloudformation.DeleteStackInput{StackName: &name}) // of before, if there is one
	_, err := stacks.CreateStack(o.Context(), &cloudformation.CreateStackInput{
		StackName: &name, Tags: tags,
		TemplateBody: aws.String(`{"Resources": ` + resources + `, "Outputs": ` + outputs + `}`),
	})
	o.check(err)
}

// group makes the app's group of two instances.
func (o *sshOrbit) group(subnet string) {
	r := o.cloud.Region(east)
	data := &compute.RequestLaunchTemplateData{ImageId: aws.String("ami-12c6146b"), InstanceType: compute.InstanceTypeT3Nano}
	_, err := r.EC2().CreateLaunchTemplate(o.Context(),
		&ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("web"), LaunchTemplateData: data})
	o.check(err)
	_, err = r.AutoScaling().CreateAutoScalingGroup(o.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(2), MaxSize: aws.Int32(2), VPCZoneIdentifier: &subnet,
		LaunchTemplate: &scaling.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web"), Version: aws.String("1")},
	})
	o.check(err)
	found, err := r.AutoScaling().DescribeAutoScalingGroups(o.Context(), &autoscaling.DescribeAutoScalingGroupsInput{})
	o.check(err)
	for _, member := range found.AutoScalingGroups[0].Instances {
		o.instances = append(o.instances, aws.ToString(member.InstanceId))
	}
}

// record writes a machine's tag, as its agent does. Without a key it removes the tag.
func (o *sshOrbit) record(id, key string) {
	o.Helper()
	tags := []compute.Tag{{Key: aws.String(document.TagHostKey)}}
	var err error
	if key == "" {
		_, err = o.cloud.Region(east).EC2().DeleteTags(o.Context(), &ec2.DeleteTagsInput{Resources: []string{id}, Tags: tags})
	} else {
		tags[0].Value = &key
		_, err = o.cloud.Region(east).EC2().CreateTags(o.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: tags})
	}
	o.check(err)
}

// forget removes what spacel remembers of host keys.
func (o *sshOrbit) forget() { o.check(os.RemoveAll(filepath.Join(o.dir, "cache"))) }
