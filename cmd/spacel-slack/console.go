package main

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// consoles are the AWS console's hosts, by partition.
var consoles = map[string]string{"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn",
	"aws-us-gov": "console.amazonaws-us-gov.com"}

// regionCode is the form of a region's name.
var regionCode = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)

// home is the partition and region of an alarm, from its ARN or its topic's, which are in one region. Empty when neither says.
func home(a alarm, topicARN string) (partition, region string) {
	for _, arn := range []string{a.AlarmArn, topicARN} {
		parts := strings.SplitN(arn, ":", 6)
		if len(parts) == 6 && parts[0] == "arn" && regionCode.MatchString(parts[3]) {
			return parts[1], parts[3]
		}
	}
	return "", ""
}

// consoleLink returns the address of an alarm's page in the AWS console, or "" when the region is unknown.
func consoleLink(a alarm, topicARN string) string {
	partition, region := home(a, topicARN)
	host := consoles[partition]
	if host == "" {
		return ""
	}
	// PathEscape leaves & alone, but the console's own router takes it for a separator.
	name := strings.ReplaceAll(url.PathEscape(a.AlarmName), "&", "%26")
	return fmt.Sprintf("https://%s.%s/cloudwatch/home?region=%s#alarmsV2:alarm/%s", region, host, region, name)
}
