package document

// Environment variables of the function that posts to Slack. Exactly one of the last three is set. Each says where to find the
// webhook, which is a secret and so is not in the environment itself.
const (
	SlackOrbit   = "SPACEL_ORBIT"
	SlackApp     = "SPACEL_APP"
	SlackSSM     = "SPACEL_WEBHOOK_SSM"     // the name of a parameter of SSM
	SlackSecret  = "SPACEL_WEBHOOK_SECRET"  // the name or ARN of a secret of Secrets Manager
	SlackPayload = "SPACEL_WEBHOOK_PAYLOAD" // a Payload as JSON
)
