package podexec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/exec"

	"github.com/appbur/appbur"
	commands "github.com/appbur/appbur/adapters/exec"
)

// ErrReplaced is the error of a container that is not the one that was chosen any more.
var ErrReplaced = errors.New("the pod is not the one that was chosen any more")

// exited is the failure of a command that ran to its end.
func exited(name, where string, code int, shell bool) *commands.Failure {
	f := &commands.Failure{
		Ended: fmt.Sprintf("%s failed with exit status %d in %s", name, code, where), Refused: true,
		Hint: "run the command in the container by hand, for example with `kubectl exec`, to see why",
	}
	switch code {
	case 127:
		f.Hint = "127 is how a shell says that it does not find a program: the image of the container has to have it"
		f.Refused = shell
	case 126:
		f.Hint = "126 is how a shell says that it may not execute a program, or not enter dir: of the command"
		f.Refused = shell
	}
	return f
}

// neverRan is the failure of a command that no further try helps, nil where one may.
func neverRan(name, where string, err error) *commands.Failure {
	f := &commands.Failure{Ended: fmt.Sprintf("%s was not run in %s: %v", name, where, err), Cause: err, Hint: appbur.HintOf(err)}
	switch {
	case errors.Is(err, ErrReplaced):
		f.Hint = "try again: then a pod is chosen that is ready now"
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		f.Hint = "appbur's account needs the rights to get pods and to create pods/exec in the namespace (docs/programs.md)"
	case apierrors.IsNotFound(err), apierrors.IsBadRequest(err), apierrors.IsInvalid(err):
		f.Hint = "in: of the commands names the pod and the container"
	default:
		return nil
	}
	return f
}

// notRun is the failure of a command for which no connection was made.
func notRun(name, where string, err error) *commands.Failure {
	return &commands.Failure{
		Ended: fmt.Sprintf("%s was not run: no connection to %s: %v", name, where, err), Cause: err,
		Hint: "the API server reaches the kubelet of the pod's node by HTTPS; `kubectl exec` shows whether it can",
	}
}

// cutOff is the failure of a command of which the last is not known.
func (r Runner) cutOff(c commands.Call, err error) *commands.Failure {
	name := nameOf(c)
	var code exec.CodeExitError
	if errors.As(err, &code) && (code.Code == 126 || code.Code == 127) || err != nil && shellMissing(err.Error()) {
		return &commands.Failure{
			Ended: fmt.Sprintf("%s was not run in %s: its shell %s could not be started", name, r, r.Shell), Cause: err,
			Hint: "shell: of in: names a POSIX shell of the container; one without any needs a sidecar with the program (docs/programs.md)",
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &commands.Failure{
			Ended: fmt.Sprintf("%s did not answer that %s was ended after %s, and it may go on", r, name, c.Timeout), Cause: err,
			Hint: "look at the pod, its node and the API server",
		}
	}
	why := "it ended without a word"
	if err != nil {
		why = err.Error()
	}
	return &commands.Failure{
		Ended: fmt.Sprintf("the connection to %s was lost while %s ran (%s)", r, name, why), Cause: errors.Join(commands.ErrLost, err),
		Hint: "look at the pod, its node and the API server",
	}
}

// shellMissing reports whether a container runtime could not start a program.
func shellMissing(message string) bool {
	return strings.Contains(message, "executable file not found") ||
		strings.Contains(message, "no such file or directory") && strings.Contains(message, "exec")
}
