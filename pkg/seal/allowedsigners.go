package seal

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/appbur/appbur"
)

// AllowedSigners says whose signatures count. It is what OpenSSH and git call an
// allowed signers file (ssh-keygen(1), ALLOWED SIGNERS).
type AllowedSigners []allowedSigner

// allowedSigner is one line.
type allowedSigner struct {
	principals  string
	key         ssh.PublicKey
	namespaces  []string // empty: all
	validAfter  time.Time
	validBefore time.Time
}

// ParseAllowedSigners reads an allowed signers file: principals, options, a key.
// The options namespaces, valid-after and valid-before are understood; times must
// end in Z, since a time zone would come from the environment. Certificate
// authorities and negated namespaces are refused rather than passed over.
func ParseAllowedSigners(data []byte) (AllowedSigners, error) {
	var signers AllowedSigners
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		signer, err := parseAllowedSigner(text)
		if err != nil {
			return nil, appbur.WithHint(fmt.Errorf("allowed signers: line %d: %w", number, err),
				"each line is a name and a public key, as in allowed_signers of a key directory")
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

func parseAllowedSigner(line string) (allowedSigner, error) {
	var principals, rest string
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		principals, rest, ok = strings.Cut(quoted, `"`)
		if !ok {
			return allowedSigner{}, fmt.Errorf("%w: a quote is not closed", ErrFormat)
		}
	} else if i := strings.IndexAny(line, " \t"); i > 0 {
		principals, rest = line[:i], line[i:]
	}

	if principals == "" {
		return allowedSigner{}, fmt.Errorf("%w: want principals and a key", ErrFormat)
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(rest)))
	if err != nil {
		return allowedSigner{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}

	signer := allowedSigner{principals: principals, key: key}
	for _, option := range options {
		if err := signer.apply(option); err != nil {
			return allowedSigner{}, err
		}
	}

	return signer, nil
}

// apply takes one option of a line.
func (s *allowedSigner) apply(option string) (err error) {
	name, value, _ := strings.Cut(option, "=")
	value = strings.Trim(value, `"`)
	switch strings.ToLower(name) {
	case "namespaces":
		s.namespaces = strings.Split(value, ",")
		for _, pattern := range s.namespaces {
			if pattern == "" || pattern[0] == '!' {
				return fmt.Errorf("%w: namespace %q", ErrFormat, pattern)
			}
		}
	case "valid-after":
		s.validAfter, err = parseValidity(value)
	case "valid-before":
		s.validBefore, err = parseValidity(value)
	default:
		return fmt.Errorf("%w: option %q is not supported", ErrFormat, name)
	}
	return err
}

// LimitSigner returns an allowed signers file in which a public key is trusted for
// what is dated before a time only, because another key signs from then on. A limit
// that is earlier already stays; other lines stay as they are. If no line names the
// key, one for the principal is added.
func LimitSigner(data []byte, principal, authorizedKey string, before time.Time) ([]byte, error) {
	key, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(authorizedKey))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if _, err := ParseAllowedSigners(data); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	found := false

	for line := range bytes.Lines(data) {
		text := strings.TrimSpace(string(line))
		kept := string(bytes.TrimRight(line, "\r\n")) + "\n"
		if text == "" || text[0] == '#' {
			out.WriteString(kept)
			continue
		}
		signer, err := parseAllowedSigner(text)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(signer.key.Marshal(), key.Marshal()) {
			out.WriteString(kept)
			continue
		}
		found = true
		if signer.validBefore.IsZero() || before.Before(signer.validBefore) {
			signer.validBefore = before
		}
		out.WriteString(signer.line(comment))
	}

	if !found {
		signer := allowedSigner{principals: principal, key: key, namespaces: []string{signatureNamespace}, validBefore: before}
		out.WriteString(signer.line(comment))
	}
	return out.Bytes(), nil
}

// line writes the signer as a line of the file.
func (s allowedSigner) line(comment string) string {
	principals := s.principals
	if strings.ContainsAny(principals, " \t") {
		principals = `"` + principals + `"`
	}
	var options []string
	if len(s.namespaces) > 0 {
		options = append(options, fmt.Sprintf("namespaces=%q", strings.Join(s.namespaces, ",")))
	}
	for _, limit := range []struct {
		name string
		at   time.Time
	}{{"valid-after", s.validAfter}, {"valid-before", s.validBefore}} {
		if !limit.at.IsZero() {
			options = append(options, fmt.Sprintf("%s=%q", limit.name, limit.at.UTC().Format(validityLayout)))
		}
	}
	parts := []string{principals, strings.Join(options, ","), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.key))), comment}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " ") + "\n"
}

// validityLayout is the form in which times are written.
const validityLayout = "20060102150405Z"

// parseValidity reads YYYYMMDD[HHMM[SS]]Z.
func parseValidity(text string) (time.Time, error) {
	for _, layout := range []string{"20060102Z", "200601021504Z", validityLayout} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: time %q: want YYYYMMDDHHMMSSZ", ErrFormat, text)
}

// allows reports whether the line is about a key, git's namespace and a time.
// The zero time is inside no interval.
func (s allowedSigner) allows(key []byte, at time.Time) bool {
	if !bytes.Equal(s.key.Marshal(), key) {
		return false
	}
	limited := !s.validAfter.IsZero() || !s.validBefore.IsZero()
	if limited && at.IsZero() || !s.validAfter.IsZero() && at.Before(s.validAfter) || !s.validBefore.IsZero() && !at.Before(s.validBefore) {
		return false
	}
	if len(s.namespaces) == 0 {
		return true
	}
	for _, pattern := range s.namespaces {
		if matchPattern(pattern, signatureNamespace) {
			return true
		}
	}
	return false
}

// matchPattern knows "*" for any characters and "?" for one.
func matchPattern(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		return matchPattern(pattern[1:], s) || s != "" && matchPattern(pattern, s[1:])
	}
	return s != "" && (pattern[0] == '?' || pattern[0] == s[0]) && matchPattern(pattern[1:], s[1:])
}

// Verify checks an armored SSH signature of a message that was made at a time,
// normally that of the commit or the tag, and returns the principals of the
// signer. The errors wrap [ErrBadSignature], [ErrUnknownSigner] or [ErrFormat].
func (a AllowedSigners) Verify(message, signature []byte, at time.Time) (principals string, err error) {
	s, err := parseSignature(signature)
	if err != nil {
		return "", err
	}
	if err := s.check(message); err != nil {
		return "", err
	}
	for _, signer := range a {
		if signer.allows(s.key.Marshal(), at) {
			return signer.principals, nil
		}
	}
	err = fmt.Errorf("%w: key %s", ErrUnknownSigner, ssh.FingerprintSHA256(s.key))
	return "", appbur.WithHint(err, "if you trust the key, add it to the allowed signers file")
}

// VerifySSH verifies against the text of an allowed signers file. It has no time
// to compare with, so that lines with a validity interval match nothing; use
// [AllowedSigners.Verify] for those.
func VerifySSH(allowedSigners, message, signature []byte) (principals string, err error) {
	signers, err := ParseAllowedSigners(allowedSigners)
	if err != nil {
		return "", err
	}
	return signers.Verify(message, signature, time.Time{})
}
