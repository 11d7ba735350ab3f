package transport

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
	"github.com/appbur/appbur/internal/deadpeer"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// saidRule gives the words of servers a meaning. The protocol has no codes for
// these conditions, so words are all there is.
type saidRule struct {
	state State
	// words must all occur, in lower case.
	words []string
	// from says whose words they are.
	from string
}

// saidRules are looked at in order. A rule that is more special comes earlier.
var saidRules = []saidRule{
	{Full, []string{"no space left on device"}, "ENOSPC in git's own messages"},
	{Full, []string{"disk quota exceeded"}, "EDQUOT in git's own messages"},
	{Full, []string{"file too large"}, "EFBIG in git's own messages: a file size limit"},
	{Full, []string{"size quota"}, "Gitea and Bitbucket"},
	{Full, []string{"repository size limit"}, "GitLab"},
	{Full, []string{"over its size limit"}, "GitLab"},
	{TooLarge, []string{"pack exceeds maximum allowed size"}, "receive.maxInputSize"},
	{TooLarge, []string{"exceeds github's file size limit"}, "GitHub, GH001"},
	{Protected, []string{"protected branch"}, "GitHub (GH006), GitLab, Gitea"},
	{Protected, []string{"protected ref"}, "Gitea and Forgejo"},
	{Protected, []string{"repository rule violations"}, "GitHub, GH013: rule sets"},
	{Protected, []string{"tf402455"}, "Azure DevOps: pushes to this branch are not permitted"},
	{Moved, []string{"but expected"}, "git: the old value of the ref was another"},
	{Moved, []string{"reference already exists"}, "git: the ref was created meanwhile"},
	{Moved, []string{"cannot lock ref"}, "git: another push holds the ref"},
	{Moved, []string{"incorrect old value"}, "git: the old value of the ref was another"},
	{Moved, []string{"failed to update ref"}, "git: the ref moved, or cannot be written"},
	{Diverged, []string{"non-fast-forward"}, "receive.denyNonFastForwards"},
	{Hook, []string{"hook declined"}, "git: pre-receive, update"},
	{Forbidden, []string{"deploy key", "read"}, "Gitea, Bitbucket: a read-only key"},
	{Forbidden, []string{"key", "read only"}, "GitHub: the key you are authenticating with has been marked as read only"},
	{Forbidden, []string{"read-only"}, "forges: archived or read-only repositories"},
	{Forbidden, []string{"not allowed to"}, "GitLab"},
	{Forbidden, []string{"dubious ownership"}, "git: safe.directory"},
	{Forbidden, []string{"permission", "denied to"}, "GitHub: an account without write access"},
	{Unauthenticated, []string{"permission denied (publickey"}, "OpenSSH"},
	{Forbidden, []string{"permission denied"}, "EACCES in git's own messages"},
	{Forbidden, []string{"read-only file system"}, "EROFS in git's own messages"},
	{NotFound, []string{"does not appear to be a git repository"}, "git"},
	{NotFound, []string{"not a git repository"}, "git"},
	{NotFound, []string{"repository", "not found"}, "GitHub, Gitea"},
	{NotFound, []string{"project you were looking for could not be found"}, "GitLab"},
	{Refused, []string{"deletion prohibited"}, "receive.denyDeletes"},
	{Refused, []string{"deny"}, "git: receive.* settings"},
	{Refused, []string{"checked out"}, "receive.denyCurrentBranch: the remote has a worktree"},
	{Refused, []string{"fsck"}, "receive.fsckObjects"},
	{Broken, []string{"missing necessary objects"}, "git: the remote lacks what it said it has"},
	{Broken, []string{"bad object"}, "git"},
	{Broken, []string{"unable to migrate objects"}, "git: objects could not be put in place"},
	{Refused, []string{"service not enabled"}, "git http-backend without http.receivepack"},
	{NotGit, []string{"command not found"}, "a shell that has no git"},
	{NotGit, []string{"this service allows sftp connections only"}, "OpenSSH with ForceCommand internal-sftp"},
	{NotGit, []string{"this account is"}, "nologin"},
}

// stateSaid finds what a server meant.
func stateSaid(said string) (State, bool) {
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
func stateOfError(err error) State {
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
		return Certificate
	case deadpeer.Gone(err):
		return Silent
	case errors.As(err, &dns):
		return Unreachable
	case errors.As(err, &op) && op.Op == "dial":
		return Unreachable
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err,
		syscall.ETIMEDOUT):
		return Unreachable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.As(err, &op):
		return Interrupted
	case errors.Is(err, object.ErrCorrupt), errors.Is(err, object.ErrObjectNotFound), errors.As(err, &deflated), errors.Is(err,
		zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum):
		return Broken
	case errors.Is(err, ErrNoPacket):
		return NotUnderstood
	default:
		return UnknownCondition
	}
}

// misconfigured is an error of this side's settings.
func misconfigured(err error, hint string) error {
	return NewError(Misconfigured, "", appbur.WithHint(err, hint))
}
