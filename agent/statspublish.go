package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/pebble/spacel/agent/document"
)

// Stats sends the machine's use of memory and of the root filesystem's space to CloudWatch, once, as metrics of an auto scaling
// group in a namespace.
func Stats(ctx context.Context, m Machine, at Endpoints, group, namespace string) error {
	metadata := newMetadata(at.Metadata)
	instance, err := identify(ctx, metadata)
	if err != nil {
		return err
	}
	return sendStats(ctx, NewClients(roleConfig(instance.Region, metadata, at.Services)).CloudWatch, m.Root, group, namespace)
}

// sendStats sends both metrics in one call.
func sendStats(ctx context.Context, metrics *cloudwatch.Client, root, group, namespace string) error {
	memory, err := memoryUse(root)
	if err != nil {
		return err
	}
	disk, err := diskUse(root)
	if err != nil {
		return err
	}
	// CloudWatch finds a metric only by exactly the dimensions with which it was published. The alarms name the same ones.
	dimension := func(name, value string) cwtypes.Dimension {
		return cwtypes.Dimension{Name: aws.String(name), Value: aws.String(value)}
	}
	percent := func(name string, value float64, dimensions ...cwtypes.Dimension) cwtypes.MetricDatum {
		return cwtypes.MetricDatum{
			MetricName: aws.String(name), Unit: cwtypes.StandardUnitPercent, Value: aws.Float64(value), Timestamp: aws.Time(time.Now()),
			Dimensions: append([]cwtypes.Dimension{dimension(document.StatsGroupDimension, group)}, dimensions...),
		}
	}
	_, err = metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String(namespace),
		MetricData: []cwtypes.MetricDatum{
			percent(document.StatMemory, memory),
			percent(document.StatDisk, disk,
				dimension(document.StatsFilesystemDimension, document.StatsRootFilesystem),
				dimension(document.StatsMountDimension, document.StatsRootMount)),
		},
	})
	if err != nil {
		return fmt.Errorf("publish memory and disk use: %w", err)
	}
	return nil
}

// memoryUse returns the used memory in percent. Memory that the kernel would free for a program counts as free
// (MemAvailable).
func memoryUse(root string) (float64, error) {
	text, err := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	if err != nil {
		return 0, err
	}
	kilobytes := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if fields := strings.Fields(rest); len(fields) > 0 {
			kilobytes[name], _ = strconv.ParseFloat(fields[0], 64) // lines of another form are not read
		}
	}
	total, available := kilobytes["MemTotal"], kilobytes["MemAvailable"]
	if total <= 0 || available > total {
		return 0, errors.New("/proc/meminfo does not say how much memory there is")
	}
	return 100 * (total - available) / total, nil
}

// diskUse returns the used part of a filesystem in percent, without the space reserved for root, as df does.
func diskUse(path string) (float64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); err != nil {
		return 0, fmt.Errorf("ask for the space of %s: %w", path, err)
	}
	// Bfree counts all free blocks, Bavail only those for ordinary users. The difference is reserved for root.
	used := float64(stat.Blocks - stat.Bfree)
	if used+float64(stat.Bavail) == 0 {
		return 0, fmt.Errorf("the filesystem of %s has no size", path)
	}
	return 100 * used / (used + float64(stat.Bavail)), nil
}
