package deploy

import "fmt"

// command is what deploys this stack alone.
func (j *job) command() string {
	if j.options.Redeploy {
		return fmt.Sprintf("spacel redeploy %s --orbit %s --region %s", j.stack.App, j.orbit, j.stack.Region)
	}
	dir := j.options.Directory
	if dir == "" {
		dir = "DIR"
	}
	return fmt.Sprintf("spacel deploy %s --stack %s", dir, j.ref())
}

// verb is the command that this run is of.
func (d *Deployment) verb() string {
	if d.options.Redeploy {
		return "redeploy"
	}
	return "deploy"
}

// pickUp is what to do about operations that are not followed any more. A second redeploy would replace the instances a
// second time.
func (d *Deployment) pickUp(app string) string {
	if !d.options.Redeploy {
		return "run spacel deploy again to pick it up"
	}
	if app == "" && len(d.jobs) > 0 {
		app = d.jobs[0].stack.App
	}
	return fmt.Sprintf("watch it with spacel events %s --orbit %s --follow", app, d.orbit)
}
