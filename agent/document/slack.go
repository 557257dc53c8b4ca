package document

// What the function that posts to Slack is told, in its environment. Of the last three exactly one is set; each stands for
// the webhook, which never stands there itself.
const (
	SlackOrbit   = "SPACEL_ORBIT"
	SlackApp     = "SPACEL_APP"
	SlackSSM     = "SPACEL_WEBHOOK_SSM"     // the name of a parameter of SSM
	SlackSecret  = "SPACEL_WEBHOOK_SECRET"  // the name or ARN of a secret of Secrets Manager
	SlackPayload = "SPACEL_WEBHOOK_PAYLOAD" // a Payload as JSON
)
