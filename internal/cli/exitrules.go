package cli

import (
	"crypto/tls"
	"errors"
	"slices"

	"google.golang.org/grpc/codes"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps/statedir"
	"github.com/appbur/appbur/internal/goldens"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/pointrequest"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
	"github.com/appbur/appbur/pkg/restore/session"
	"github.com/appbur/appbur/pkg/seal"
)

// exitRule gives a family of errors its exit code. The first rule that matches
// decides.
type exitRule struct {
	code    int
	matches func(error) bool
}

var exitRules = []exitRule{
	{ExitNotFound, isAny(gitsync.ErrNoRepository, repository.ErrForeign, repository.ErrNoPoint, repository.ErrNoUndo)},
	{ExitNotFound, isType[*notFoundError]},
	{ExitNotFound, isAny(pointrequest.ErrNoLease)},
	{ExitMoved, isType[*planMovedError]},
	{ExitMoved, isType[*session.HeldError]},
	{ExitMoved, isAny(session.ErrLost)},
	{ExitMoved, isAny(gitsync.ErrRefMoved, gitsync.ErrLocked, gitsync.ErrFenced, gitsync.ErrPruneRaced)},
	{ExitCredentials, isAny(repository.ErrUntrusted, keyring.ErrNobodyTrusted, repository.ErrUnbound, repository.ErrOtherRepository,
		repository.ErrPolicy, seal.ErrNoIdentityMatch)},
	{ExitCredentials, isType[*keyring.Error]},
	{ExitCredentials, isAny(exporter.ErrUnauthorized, exporter.ErrForbidden, exporter.ErrCertificate)},
	{ExitCredentials, isType[*tls.CertificateVerificationError]},
	{ExitCredentials, apierrors.IsUnauthorized},
	{ExitCredentials, apierrors.IsForbidden},
	{ExitCredentials, contractCode(codes.Unauthenticated, codes.PermissionDenied)},
	{ExitNotFound, remoteState(gitsync.RemoteNotFound, gitsync.RemoteEmpty)},
	{ExitMoved, remoteState(gitsync.RemoteMoved, gitsync.RemoteDiverged, gitsync.RemoteAhead)},
	{ExitCredentials, remoteState(gitsync.RemoteUnauthenticated, gitsync.RemoteForbidden, gitsync.RemoteHostKeyUnknown,
		gitsync.RemoteHostKeyChanged, gitsync.RemoteCertificate)},
	{ExitIncompatible, isAny(restore.ErrBlocked)},
	{ExitCredentials, isAny(restore.ErrRights)},
	{
		ExitIncompatible,
		contractReason(contract.ReasonSchemaTooNew, contract.ReasonSchemaTooOld, contract.ReasonNoCommonVersion, contract.ReasonWrongApp),
	},
	{ExitPartly, isAny(restore.ErrIncomplete, pause.ErrHeld, pause.ErrActing, restore.ErrSilent, restore.ErrUnanswered)},
	{ExitDamaged, isAny(repository.ErrRewritten, repository.ErrUnreadable, gitsync.ErrCorrupt, gitsync.ErrObjectNotFound)},
	{ExitDamaged, isAny(statedir.ErrDamaged)},
	{ExitNotFound, isAny(goldens.ErrNoGoldens)},
	{ExitUsage, isAny(goldens.ErrSettings, goldens.ErrNoDataset)},
	{ExitGoldenEdited, isAny(golden.ErrLock, golden.ErrRecorded)},
	{ExitIncompatible, isAny(goldens.ErrOtherApp)},
}

func isAny(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

func isType[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func contractReason(reasons ...contract.Reason) func(error) bool {
	return func(err error) bool {
		var call *contract.Error
		return errors.As(err, &call) && slices.Contains(reasons, call.Reason)
	}
}

func contractCode(list ...codes.Code) func(error) bool {
	return func(err error) bool {
		var call *contract.Error
		return errors.As(err, &call) && slices.Contains(list, call.Code)
	}
}

func remoteState(states ...gitsync.RemoteState) func(error) bool {
	return func(err error) bool { return slices.Contains(states, gitsync.StateOf(err)) }
}

// notFoundError means that an object that was named does not exist.
type notFoundError struct{ err error }

func (e *notFoundError) Error() string { return e.err.Error() }
func (e *notFoundError) Unwrap() error { return e.err }

// clusterHint gives an error of the API server its next step.
func clusterHint(err error) error {
	hint := "check that the kubeconfig names a cluster that is up"
	switch {
	case appbur.HintOf(err) != "":
		return err
	case isType[*tls.CertificateVerificationError](err):
		hint = "check certificate-authority-data and server in the kubeconfig; they may belong to another cluster"
	case apierrors.IsUnauthorized(err):
		hint = "the token or certificate in the kubeconfig is not valid for this cluster"
	case apierrors.IsForbidden(err):
		hint = "the user in the kubeconfig may not do this"
	}
	return appbur.WithHint(err, hint)
}
