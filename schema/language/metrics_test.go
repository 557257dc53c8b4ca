package language

import (
	"slices"
	"testing"
)

func TestMetricNames(t *testing.T) {
	facts, err := newLanguage(t).facts()
	if err != nil {
		t.Fatal(err)
	}
	for written, want := range map[string]string{
		"EC2/CPUUtilization": "EC2/CPUUtilization", "cpuutilization": "EC2/CPUUtilization", "CPU": "EC2/CPUUtilization",
		"ec2/cpu": "EC2/CPUUtilization", "cpucredits": "EC2/CPUCreditBalance", "unhealthy": "ELB/UnHealthyHostCount",
		"healthyHosts": "ELB/HealthyHostCount", "backend5XX": "ELB/HTTPCode_Backend_5XX", "status4xx": "ELB/HTTPCode_ELB_4XX",
		"ELB/HTTPCode_ELB_5XX": "ELB/HTTPCode_ELB_5XX", "surgequeue": "ELB/SurgeQueueLength", "ram": "System/MemoryUtilization",
		"elb/cpu": "", "": "", "EC2/": "", "backend1XX": "",
	} {
		if got, ok := facts.Metrics.Find(written); got != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", written, got, want)
		}
	}
	for name, usual := range facts.Metrics.Builtin {
		own := slices.Contains([]string{"ELB/ProcessedBytes", "ELB/NewFlowCount", "ELB/ActiveFlowCount"}, name) // it depends on the app
		if usual.Statistic == "" || (usual.Threshold == "") != own || usual.Period == "" {
			t.Errorf("%s: %+v", name, usual)
		}
	}
	if len(facts.Metrics.Builtin) != 30 {
		t.Errorf("%d metrics", len(facts.Metrics.Builtin))
	}
	for written, want := range map[string]string{
		"cpu": "CPUUtilization", "credits": "CPUCreditBalance", "CreditUsage": "CPUCreditUsage", "read latency": "ReadLatency",
		"WriteThroughput": "WriteThroughput", "reads": "ReadIOPS", "disk": "",
	} {
		if got, ok := DatabaseMetric(written); got != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", written, got, want)
		}
		if _, ok := facts.Metrics.Database[want]; want != "" && !ok {
			t.Errorf("%s has no threshold", want)
		}
	}
}
