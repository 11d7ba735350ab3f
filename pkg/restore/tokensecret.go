package restore

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// accountTimeout is how long a controller of the target may take to make the account of
// a token Secret, such as the default account of a new namespace.
const accountTimeout = 30 * time.Second

// awaitAccount waits until the account of a token Secret is there. The token controller
// deletes such a Secret at once when it has no account (kube-controller-manager,
// pkg/controller/serviceaccount/tokens_controller.go), and accounts that a controller
// makes are no steps of the plan that one could come after.
func (w *worker) awaitAccount(ctx context.Context, a *stepResult) error {
	account, ok := tokenAccount(a.step)
	if !ok {
		return nil
	}

	var waited time.Duration
	for tries := 1; ; tries++ {
		if err := w.limiter.wait(ctx); err != nil {
			return err
		}
		_, err := w.cluster.Get(ctx, account, "v1")
		switch {
		case err == nil || apierrors.IsForbidden(err): // then the write will show it
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !apierrors.IsNotFound(err) && transient(err) == nil:
			return fmt.Errorf("looking at its account: %w", err)
		}

		pause := delay(min(tries, 4), a.step.ID)
		if waited += pause; waited > min(w.timeout, accountTimeout) {
			return appbur.WithHint(fmt.Errorf("its account %s is not there, and without it the token controller would delete the Secret", account),
				"create the account, or leave the Secret out; then run again")
		}
		if err := backoff.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// tokenAccount returns the account that a token Secret is of.
func tokenAccount(step *Step) (appbur.ObjectID, bool) {
	if step.Object.GroupKind() != kindSecret {
		return appbur.ObjectID{}, false
	}
	content := step.Content.Object()
	if text(content, "type") != "kubernetes.io/service-account-token" {
		return appbur.ObjectID{}, false
	}
	name := text(content, "metadata", "annotations", "kubernetes.io/service-account.name")
	return appbur.ObjectID{Kind: kindServiceAccount.Kind, Namespace: step.Object.Namespace, Name: name}, name != ""
}
