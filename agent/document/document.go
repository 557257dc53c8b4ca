// Package document is the contract between the compiler and the programs that run on AWS. Its center is the instance document,
// which the compiler writes for the agent of an instance. It travels in user data. Beside it are names and settings that several
// programs must agree on.
package document

// Names on an instance.
const (
	Path       = "/etc/spacel/document.json"   // where user data puts the document
	StatusPath = "/var/lib/spacel/status.json" // how the boot went: written by the agent, read by userdata/install.sh
	AgentPath  = "/usr/local/bin/spacel-agent" // the agent's program; userdata/install.sh installs it there
	AgentUnit  = "spacel-agent.service"        // the unit that runs the agent; user data writes it
)

// Format is the version of the document. The agent refuses any other.
const Format = 1

// MaxAsset is the most bytes of an asset that the agent reads. A build makes no larger one.
const MaxAsset = 64 << 20

// Document is written by the compiler with T = cfn.Value, which lets a text hold references, and read by the agent with
// T = string.
type Document[T any] struct {
	Format       int                    `json:"format"` // 1
	Orbit        string                 `json:"orbit"`
	App          string                 `json:"app,omitempty"` // empty on a bastion
	Region       string                 `json:"region"`
	Bastion      bool                   `json:"bastion,omitempty"`
	Version      T                      `json:"version,omitempty"` // stands for __VERSION__ and for an image's missing tag
	Token        T                      `json:"token,omitempty"`
	Signal       Signal[T]              `json:"signal"`
	BootLog      string                 `json:"bootLog,omitempty"`      // log group for the agent's own log
	TargetGroups []T                    `json:"targetGroups,omitempty"` // ARNs to be healthy in
	Addresses    []T                    `json:"addresses,omitempty"`    // allocation ids of elastic addresses to share
	LocalHealth  *LocalHealth           `json:"localHealth,omitempty"`
	Units        map[string]Content     `json:"units,omitempty"`        // unit name → text
	Files        map[string]Content     `json:"files,omitempty"`        // name below /files → content
	Environments map[string][]Variable  `json:"environments,omitempty"` // .env file → variables in order, after those of Files
	Tasks        []Task                 `json:"tasks,omitempty"`        // release tasks, in the order in which they run
	Registries   map[string]Registry    `json:"registries,omitempty"`   // host → how to log in there
	Volumes      []Volume               `json:"volumes,omitempty"`
	Stats        string                 `json:"statsNamespace,omitempty"` // publish memory and disk use as metrics of this namespace
	Logging      *Logging[T]            `json:"logging,omitempty"`
	Databases    map[string]Database[T] `json:"databases,omitempty"`
	Caches       map[string]Cache[T]    `json:"caches,omitempty"`
	Resources    map[string]T           `json:"resources,omitempty"` // Reference.ResourceKey → value of the app's own resource, in base64
	Asset        *Asset[T]              `json:"asset,omitempty"`     // holds what did not fit: a Document with the fields left out here
}

// Signal is what CloudFormation waits for.
type Signal[T any] struct {
	Stack    T      `json:"stack"`
	Resource string `json:"resource"`
	Timeout  int    `json:"timeout"` // seconds from the instance's launch
}

// Logging are the log groups of the app's own, each of which may be absent.
type Logging[T any] struct {
	Deploy T `json:"deploy,omitempty"` // for the agent's own log, beside the boot log
	Docker T `json:"docker,omitempty"` // for the containers' output
}

// Database is a database as an app's instances reach it. Its secret is JSON with username and password.
type Database[T any] struct {
	Engine   string `json:"engine"` // postgres, mysql …, as RDS names it
	Host     T      `json:"host"`
	Port     int    `json:"port"`
	Database string `json:"database,omitempty"` // none in SQL Server
	Secret   T      `json:"secret"`             // ARN, in the instance's region
	CA       string `json:"ca,omitempty"`       // the file with RDS's authorities; none where they are not known
}

// Cache is a Valkey or Redis cache as an app's instances reach it: over TLS. Its secret is JSON with password, which is that of
// the default user.
type Cache[T any] struct {
	Host   T   `json:"host"` // of the primary node
	Port   int `json:"port"`
	Reader T   `json:"reader,omitempty"` // the host name of all replicas
	Nodes  T   `json:"nodes,omitempty"`  // the host names of all nodes, as ElastiCache writes them: [a, b]
	Secret T   `json:"secret"`           // ARN
}

// LocalHealth is a check the instance makes of itself.
type LocalHealth struct {
	Protocol string `json:"protocol"` // TCP, SSL, HTTP or HTTPS
	Port     int    `json:"port"`
	Path     string `json:"path,omitempty"`
	Codes    string `json:"codes,omitempty"` // status codes that pass, such as 200,204 or 200-399; 200 when empty
}

// Content is text as lines (joined by newlines, so a final newline is a last empty line), bytes in base64, an encrypted payload
// or a reference. Exactly one is set.
type Content struct {
	Lines   []string `json:"lines,omitempty"`
	Base64  string   `json:"base64,omitempty"`
	Payload *Payload `json:"payload,omitempty"`
	From    string   `json:"from,omitempty"` // the text of a Reference
	Mode    string   `json:"mode,omitempty"` // octal, 0644 when empty
	User    string   `json:"user,omitempty"` // of a file: the number of the user that it belongs to; root when empty
}

// Variable is an environment variable. A secret one has a payload or a reference for its value.
type Variable struct {
	Name    string   `json:"name"`
	Value   string   `json:"value,omitempty"`
	Payload *Payload `json:"payload,omitempty"`
	From    string   `json:"from,omitempty"` // the text of a Reference
}

// MaxVariable is the most bytes of a variable, as NAME=value. Docker reads its environment files line by line, and refuses one
// with more (docker/cli, pkg/kvfile: bufio.MaxScanTokenSize, less the line break).
const MaxVariable = 64<<10 - 1

// Registry is how to log in to a registry of container images: with a user's name and a password, or with a token of Amazon ECR.
type Registry struct {
	ECR      bool      `json:"ecr,omitempty"`
	Username *Variable `json:"username,omitempty"`
	Password *Variable `json:"password,omitempty"` // its name is RegistryKey
}

// RegistryKey returns the name to which the payload of a registry's password is bound.
func RegistryKey(host string) string { return "registries." + host }

// Payload is an encrypted value. Version 0 is the 2016 tool's AES-CBC; 1 is AES-256-GCM.
type Payload struct {
	Version    int               `json:"version,omitempty"`
	IV         string            `json:"iv"`
	Key        string            `json:"key"` // the data key, wrapped by KMS in KeyRegion
	Ciphertext string            `json:"ciphertext"`
	KeyRegion  string            `json:"key_region"`
	Keys       map[string]string `json:"keys,omitempty"` // in a manifest: region → the data key, wrapped there
	Encoding   string            `json:"encoding"`
}

// Asset is where the rest of the document is in S3.
type Asset[T any] struct {
	Bucket T      `json:"bucket"`
	Key    T      `json:"key"`
	Digest string `json:"digest"` // sha256, in hex
}
