package repository

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// Anchor says where a history was at a time (docs/formats/anchor.md). Kept in
// another place it shows that the history was rewritten, to somebody who never saw
// the repository.
type Anchor struct {
	Repository string
	// Cluster is empty before the first backup.
	Cluster string
	Main    gitsync.Hash
	// Time is in UTC, to the second.
	Time time.Time
	// Points are the newest ones, newest first, at most [anchorPoints].
	Points []AnchoredPoint
}

// AnchoredPoint is a restore point and the tag object that it is.
type AnchoredPoint struct {
	ID  appbur.RestorePointID
	Tag gitsync.Hash
}

const (
	anchorMagic  = "appbur-anchor/1"
	anchorTime   = time.RFC3339
	anchorPoints = 10
	noCluster    = "-"
	// maxAnchor bounds what is read as an anchor.
	maxAnchor = 64 << 10
)

// SignedAnchor is an anchor as it is stored in its file: text and an SSH signature.
type SignedAnchor struct {
	Anchor
	payload   []byte
	signature []byte
}

// encode returns the text that is signed.
func (a Anchor) encode() []byte {
	cluster := a.Cluster
	if cluster == "" {
		cluster = noCluster
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nrepository %s\ncluster %s\nmain %s\ntime %s\n", anchorMagic, a.Repository, cluster, a.Main,
		a.Time.UTC().Format(anchorTime))
	for _, p := range a.Points {
		fmt.Fprintf(&b, "point %s %s\n", p.ID, p.Tag)
	}
	return []byte(b.String())
}

// sign makes the file of an anchor.
func (a Anchor) sign(keys *keyring.Keys) ([]byte, error) {
	text := a.encode()
	signature, err := keys.Signer().Sign(text)
	if err != nil {
		return nil, fmt.Errorf("anchor: %w", err)
	}
	return append(text, signature...), nil
}

// ErrAnchor means that a file is no anchor, or one that cannot be used.
var ErrAnchor = errors.New("no usable anchor")

// anchorWord is what a repository or a cluster can be called there.
var anchorWord = regexp.MustCompile(`^[!-~]{1,253}$`)

const signatureBegin = "-----BEGIN SSH SIGNATURE-----\n"

// ParseAnchor reads the file of an anchor. It takes only the one form in which
// appbur writes it, so that what is signed has one meaning.
func ParseAnchor(data []byte) (*SignedAnchor, error) {
	bad := func(format string, args ...any) (*SignedAnchor, error) {
		return nil, fmt.Errorf("%w: %w", ErrAnchor, fmt.Errorf(format, args...))
	}
	if len(data) > maxAnchor {
		return bad("it has more than %d bytes", maxAnchor)
	}

	at := bytes.Index(data, []byte("\n"+signatureBegin))
	if at < 0 {
		return bad("it is not signed")
	}
	s := &SignedAnchor{payload: data[:at+1], signature: data[at+1:]}
	lines := strings.Split(strings.TrimSuffix(string(s.payload), "\n"), "\n")
	if lines[0] != anchorMagic {
		return bad("it does not begin with %q", anchorMagic)
	}
	lines = lines[1:]

	for _, field := range []struct {
		key  string
		take func(value string) error
	}{
		{"repository", func(v string) error { s.Repository = v; return word(v) }},
		{"cluster", func(v string) error {
			if v != noCluster {
				s.Cluster = v
			}
			return word(v)
		}},
		{"main", func(v string) (err error) { s.Main, err = gitsync.ParseHash(v); return err }},
		{"time", func(v string) (err error) { s.Time, err = time.Parse(anchorTime, v); return err }},
	} {
		if len(lines) == 0 {
			return bad("it has no %s", field.key)
		}
		value, found := strings.CutPrefix(lines[0], field.key+" ")
		if !found {
			return bad("%q is where the %s must be", lines[0], field.key)
		}
		if err := field.take(value); err != nil {
			return bad("%s: %w", field.key, err)
		}
		lines = lines[1:]
	}

	for _, line := range lines {
		rest, found := strings.CutPrefix(line, "point ")
		name, tag, _ := strings.Cut(rest, " ")
		id, err := appbur.ParseRestorePointID(name)
		if !found || err != nil || len(s.Points) == anchorPoints {
			return bad("%q is no restore point, or one too many", line)
		}
		hash, err := gitsync.ParseHash(tag)
		if err != nil {
			return bad("restore point %s: %w", id, err)
		}
		s.Points = append(s.Points, AnchoredPoint{id, hash})
	}

	if !bytes.Equal(s.encode(), s.payload) {
		return bad("it is not in the form in which anchors are written")
	}
	return s, nil
}

func word(v string) error {
	if !anchorWord.MatchString(v) {
		return fmt.Errorf("%q is no name", v)
	}
	return nil
}

// Verify checks the signature of an anchor against a trust root in the format of
// allowed_signers, and returns who signed.
func (s *SignedAnchor) Verify(allowedSigners []byte) (principal string, err error) {
	signers, err := seal.ParseAllowedSigners(allowedSigners)
	if err != nil {
		return "", &keyring.Error{Err: fmt.Errorf("trusted signers: %w", err)}
	}
	if principal, err = signers.Verify(s.payload, s.signature, s.Time); err != nil {
		return "", because(ReasonUntrustedAnchor, fmt.Errorf("%w: the anchor: %w", ErrUntrusted, err))
	}
	return principal, nil
}
