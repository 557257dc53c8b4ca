package main

// otherWords are commands of other tools (Terraform, Pulumi, CDK, Copilot, Kamal, Docker, kubectl, Helm), with the commands of spacel for
// the same work. A user types them from habit. They come before a suggestion by spelling, which knows nothing of meanings. None of them
// is an alias: a script should say what it does in one way, and "up" means something else in each tool.
var otherWords = map[string]string{
	"apply":      "spacel deploy",
	"up":         "spacel deploy",
	"push":       "spacel deploy",
	"release":    "spacel deploy",
	"run":        "spacel deploy",
	"install":    "spacel deploy",
	"create":     "spacel deploy",
	"update":     "spacel deploy",
	"upgrade":    "spacel deploy --upgrade agent,image",
	"plan":       "spacel deploy --dry-run",
	"preview":    "spacel deploy --dry-run",
	"changes":    "spacel deploy --dry-run",
	"synth":      "spacel build",
	"synthesize": "spacel build",
	"compile":    "spacel build",
	"package":    "spacel build",
	"render":     "spacel build",
	"template":   "spacel build",
	"validate":   "spacel vet",
	"lint":       "spacel vet",
	"check":      "spacel vet",
	"down":       "spacel destroy",
	"delete":     "spacel destroy",
	"rm":         "spacel destroy",
	"remove":     "spacel destroy",
	"uninstall":  "spacel destroy",
	"teardown":   "spacel destroy",
	"restart":    "spacel redeploy",
	"rollout":    "spacel redeploy",
	"reload":     "spacel redeploy",
	"ps":         "spacel instances",
	"list":       "spacel status",
	"ls":         "spacel status",
	"show":       "spacel status",
	"get":        "spacel status",
	"describe":   "spacel status",
	"refresh":    "spacel status --drift",
	"drift":      "spacel status --drift",
	"output":     "spacel outputs",
	"log":        "spacel logs",
	"tail":       "spacel logs --follow",
	"connect":    "spacel ssh",
	"shell":      "spacel ssh",
	"bash":       "spacel ssh",
	"secrets":    "spacel secret",
	"new":        "spacel init",
	"bootstrap":  "spacel init",
	"migrate":    "spacel tasks",
}

// other says which command of ours does the work of another tool's command, "" for an unknown word.
func other(word string) string {
	if ours := otherWords[word]; ours != "" {
		return "; in spacel it is " + ours
	}
	return ""
}
