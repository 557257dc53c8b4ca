package document

import (
	"regexp"
	"strings"
)

// ecrHost matches the hosts of Amazon ECR's private registries: ACCOUNT.dkr.ecr.REGION.amazonaws.com, its forms for FIPS and for
// IPv6 (dkr-ecr.REGION.on.aws), and those of AWS's other partitions (Amazon ECR User Guide, "Amazon ECR endpoints and quotas" and
// "Amazon ECR private registry"; amazon-ecr-credential-helper reads the same forms).
var ecrHost = regexp.MustCompile(`^([0-9]{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.([a-z0-9.-]+)$`)

// ecrSuffixes lists the ends of ECR's hosts, with the partition that each belongs to.
var ecrSuffixes = map[string]string{
	"amazonaws.com":               "aws",
	"on.aws":                      "aws",
	"amazonaws.com.cn":            "aws-cn",
	"on.amazonwebservices.com.cn": "aws-cn",
	"amazonaws.eu":                "aws-eusc",
	"on.amazonwebservices.eu":     "aws-eusc",
	"c2s.ic.gov":                  "aws-iso",
	"sc2s.sgov.gov":               "aws-iso-b",
	"cloud.adc-e.uk":              "aws-iso-e",
	"csp.hci.ic.gov":              "aws-iso-f",
}

// ECR is a private registry of Amazon ECR: one account in one region.
type ECR struct {
	Host      string
	Account   string
	Region    string
	Partition string // aws, aws-cn, aws-us-gov …
	FIPS      bool
}

// ParseECR recognises a host of ECR.
func ParseECR(host string) (ECR, bool) {
	found := ecrHost.FindStringSubmatch(strings.ToLower(host))
	if found == nil {
		return ECR{}, false
	}
	partition, known := ecrSuffixes[found[4]]
	if strings.HasPrefix(found[3], "us-gov-") {
		partition = "aws-us-gov"
	}
	return ECR{Host: strings.ToLower(host), Account: found[1], Region: found[3], Partition: partition, FIPS: found[2] != ""}, known
}

// ECRImage is an image in ECR. Without a digest it has a tag.
type ECRImage struct {
	ECR
	Repository  string // team/shop
	Tag, Digest string
}

// ParseECRImage splits an image's name, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/team/shop:7. It reports false for an
// image of another registry.
func ParseECRImage(image string) (ECRImage, bool) {
	host, rest, _ := strings.Cut(image, "/")
	registry, ok := ParseECR(host)
	if !ok || rest == "" {
		return ECRImage{}, false
	}
	i := ECRImage{ECR: registry, Repository: rest}
	i.Repository, i.Digest, _ = strings.Cut(i.Repository, "@")
	i.Repository, i.Tag, _ = strings.Cut(i.Repository, ":")
	return i, true
}

// String returns the image's name as Docker takes it.
func (i ECRImage) String() string {
	name := i.Host + "/" + i.Repository
	if i.Tag != "" {
		name += ":" + i.Tag
	}
	if i.Digest != "" {
		name += "@" + i.Digest
	}
	return name
}

// ARN is the ARN of the image's repository.
func (i ECRImage) ARN() string {
	return strings.Join([]string{"arn", i.Partition, "ecr", i.Region, i.Account, "repository/" + i.Repository}, ":")
}
