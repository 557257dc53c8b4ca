package deploy

import "context"

// settle waits until no operation is going on, and looks at the stack then.
func (j *job) settle(ctx context.Context) (err error) {
	j.deployed, err = j.follower.WaitUntilIdle(ctx, j.deployed, j.secrets(), j.places[j.ref().String()])
	return err
}
