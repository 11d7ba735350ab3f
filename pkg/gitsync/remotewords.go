package gitsync

import (
	"compress/flate"
	"compress/zlib"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/appbur/appbur"
)

// saidRule gives the words of servers a meaning. The protocol has no codes for
// these conditions, so words are all there is.
type saidRule struct {
	state RemoteState
	// words must all occur, in lower case.
	words []string
	// from says whose words they are.
	from string
}

// saidRules are looked at in order. A rule that is more special stands earlier.
var saidRules = []saidRule{
	{RemoteFull, []string{"no space left on device"}, "ENOSPC in git's own messages"},
	{RemoteFull, []string{"disk quota exceeded"}, "EDQUOT in git's own messages"},
	{RemoteFull, []string{"file too large"}, "EFBIG in git's own messages: a file size limit"},
	{RemoteFull, []string{"size quota"}, "Gitea and Bitbucket"},
	{RemoteFull, []string{"repository size limit"}, "GitLab"},
	{RemoteFull, []string{"over its size limit"}, "GitLab"},
	{RemoteTooLarge, []string{"pack exceeds maximum allowed size"}, "receive.maxInputSize"},
	{RemoteTooLarge, []string{"exceeds github's file size limit"}, "GitHub, GH001"},
	{RemoteProtected, []string{"protected branch"}, "GitHub (GH006), GitLab, Gitea"},
	{RemoteProtected, []string{"protected ref"}, "Gitea and Forgejo"},
	{RemoteProtected, []string{"repository rule violations"}, "GitHub, GH013: rule sets"},
	{RemoteProtected, []string{"tf402455"}, "Azure DevOps: pushes to this branch are not permitted"},
	{RemoteMoved, []string{"but expected"}, "git: the old value of the ref was another"},
	{RemoteMoved, []string{"reference already exists"}, "git: the ref was created meanwhile"},
	{RemoteMoved, []string{"cannot lock ref"}, "git: another push holds the ref"},
	{RemoteMoved, []string{"incorrect old value"}, "git: the old value of the ref was another"},
	{RemoteMoved, []string{"failed to update ref"}, "git: the ref moved, or cannot be written"},
	{RemoteDiverged, []string{"non-fast-forward"}, "receive.denyNonFastForwards"},
	{RemoteHook, []string{"hook declined"}, "git: pre-receive, update"},
	{RemoteForbidden, []string{"deploy key", "read"}, "Gitea, Bitbucket: a read-only key"},
	{RemoteForbidden, []string{"key", "read only"}, "GitHub: the key you are authenticating with has been marked as read only"},
	{RemoteForbidden, []string{"read-only"}, "forges: archived or read-only repositories"},
	{RemoteForbidden, []string{"not allowed to"}, "GitLab"},
	{RemoteForbidden, []string{"dubious ownership"}, "git: safe.directory"},
	{RemoteForbidden, []string{"permission", "denied to"}, "GitHub: an account without write access"},
	{RemoteUnauthenticated, []string{"permission denied (publickey"}, "OpenSSH"},
	{RemoteForbidden, []string{"permission denied"}, "EACCES in git's own messages"},
	{RemoteForbidden, []string{"read-only file system"}, "EROFS in git's own messages"},
	{RemoteNotFound, []string{"does not appear to be a git repository"}, "git"},
	{RemoteNotFound, []string{"not a git repository"}, "git"},
	{RemoteNotFound, []string{"repository", "not found"}, "GitHub, Gitea"},
	{RemoteNotFound, []string{"project you were looking for could not be found"}, "GitLab"},
	{RemoteRefused, []string{"deletion prohibited"}, "receive.denyDeletes"},
	{RemoteRefused, []string{"deny"}, "git: receive.* settings"},
	{RemoteRefused, []string{"checked out"}, "receive.denyCurrentBranch: the remote has a worktree"},
	{RemoteRefused, []string{"fsck"}, "receive.fsckObjects"},
	{RemoteBroken, []string{"missing necessary objects"}, "git: the remote lacks what it said it has"},
	{RemoteBroken, []string{"bad object"}, "git"},
	{RemoteBroken, []string{"unable to migrate objects"}, "git: objects could not be put in place"},
	{RemoteRefused, []string{"service not enabled"}, "git http-backend without http.receivepack"},
	{RemoteNotGit, []string{"command not found"}, "a shell that has no git"},
	{RemoteNotGit, []string{"this service allows sftp connections only"}, "OpenSSH with ForceCommand internal-sftp"},
	{RemoteNotGit, []string{"this account is"}, "nologin"},
}

// stateSaid finds what a server meant.
func stateSaid(said string) (RemoteState, bool) {
	said = strings.ToLower(said)
	for _, rule := range saidRules {
		all := said != ""
		for _, word := range rule.words {
			all = all && strings.Contains(said, word)
		}
		if all {
			return rule.state, true
		}
	}
	return "", false
}

// stateOfError finds the state for an error of this side's libraries.
func stateOfError(err error) RemoteState {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		dns       *net.DNSError
		op        *net.OpError
		deflated  flate.CorruptInputError
	)

	switch {
	case errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &verify):
		return RemoteCertificate
	case errors.As(err, &dns):
		return RemoteUnreachable
	case errors.As(err, &op) && op.Op == "dial":
		return RemoteUnreachable
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err,
		syscall.ETIMEDOUT):
		return RemoteUnreachable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.As(err, &op):
		return RemoteInterrupted
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrObjectNotFound), errors.As(err, &deflated), errors.Is(err,
		zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum):
		return RemoteBroken
	case errors.Is(err, errNoPacket):
		return RemoteNotUnderstood
	default:
		return RemoteUnknownCondition
	}
}

// misconfigured is an error of this side's settings.
func misconfigured(err error, hint string) error {
	return inState(RemoteMisconfigured, "", appbur.WithHint(err, hint))
}
