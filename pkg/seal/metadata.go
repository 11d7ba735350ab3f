package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// sopsVersion is the release whose format is written. SOPS reads the files of
// older releases.
const sopsVersion = "3.9.0"

// metadata is what a SOPS file holds below the key "sops", as far as this
// package understands it.
type metadata struct {
	Age            []wrappedKey `yaml:"age"`
	LastModified   string       `yaml:"lastmodified"`
	MAC            string       `yaml:"mac"`
	EncryptedRegex string       `yaml:"encrypted_regex"`
	Version        string       `yaml:"version"`
	// Fingerprint is ours; SOPS and Flux pass over it, and `sops edit` drops it.
	Fingerprint string `yaml:"appbur_fingerprint"`
}

// wrappedKey is the data key, encrypted to one recipient.
type wrappedKey struct {
	Recipient string `yaml:"recipient"`
	Enc       string `yaml:"enc"`
}

// foreignKeys are the parts of SOPS's metadata that would change how a file is to
// be opened, with what they are for.
var foreignKeys = map[string]string{
	"shamir_threshold":          "a data key in several shares",
	"key_groups":                "a data key in several shares",
	"unencrypted_suffix":        "selection by suffix",
	"encrypted_suffix":          "selection by suffix",
	"unencrypted_regex":         "selection of what is not encrypted",
	"encrypted_comment_regex":   "selection by comment",
	"unencrypted_comment_regex": "selection by comment",
	"mac_only_encrypted":        "an authentication code without the clear part",
}

// encode writes the metadata, all but the fingerprint. The text is ours to the
// last byte, so that equal metadata are equal bytes.
func (m metadata) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s:\n  age:\n", appbur.SealedKey)
	for _, k := range m.Age {
		fmt.Fprintf(&b, "    - recipient: %s\n      enc: |\n", k.Recipient)
		for line := range strings.Lines(k.Enc) {
			b.WriteString("        " + line)
		}
	}
	fmt.Fprintf(&b, "  lastmodified: %q\n  mac: %s\n%s%s\n  version: %s\n", m.LastModified, m.MAC, regexLine, quoteRegex(m.EncryptedRegex),
		m.Version)
	return b.Bytes()
}

// regexLine begins the line of the selection, which is of this package's making in
// every file that has a fingerprint that fits.
const regexLine = "  encrypted_regex: "

// plainRegex are the expressions that YAML needs no quotes for.
var plainRegex = regexp.MustCompile(`^\^\([A-Za-z0-9_.|\\/-]+\)\$$`)

func quoteRegex(expression string) string {
	if plainRegex.MatchString(expression) {
		return expression
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range expression {
		switch {
		case r == '"' || r == '\\':
			b.WriteString("\\" + string(r))
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "\\U%08X", r)
		}
	}
	return b.String() + "\""
}

// selectsBy reports whether a body that this package wrote was sealed by the
// selection.
func selectsBy(body []byte, s selection) bool {
	at := bytes.LastIndex(body, []byte("\n"+appbur.SealedKey+":\n"))
	return at >= 0 && bytes.Contains(body[at:], []byte("\n"+regexLine+quoteRegex(s.encryptedRegex())+"\n"))
}

// fingerprintLine begins the last line of a sealed manifest.
const fingerprintLine = "  appbur_fingerprint: "

func appendFingerprint(body []byte, fingerprint string) []byte {
	return append(body, fingerprintLine+fingerprint+"\n"...)
}

// cutFingerprint takes the last line off a file that this package wrote.
func cutFingerprint(sealed []byte) (body []byte, fingerprint string, ok bool) {
	at := len(sealed) - len(fingerprintLine) - fingerprintSize - 1
	if at <= 0 || sealed[at-1] != '\n' {
		return nil, "", false
	}
	line, ok := strings.CutPrefix(string(sealed[at:]), fingerprintLine)
	return sealed[:at], strings.TrimSuffix(line, "\n"), ok
}

// parseMetadata reads the value below "sops". Everything that it does not
// understand and that matters is an error.
func parseMetadata(n *yaml.Node) (metadata, selection, error) {
	if n.Kind != yaml.MappingNode {
		return metadata{}, selection{}, fmt.Errorf("%w: %q is no mapping", ErrFormat, appbur.SealedKey)
	}

	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		// Older releases write the keys they do not use, with empty values.
		if what, foreign := foreignKeys[key]; foreign && value.Value != "" && value.Value != "false" && value.Value != "0" {
			return metadata{}, selection{}, fmt.Errorf("%w: %s (%s)", ErrUnsupported, what, key)
		}
	}

	var m metadata
	if err := n.Decode(&m); err != nil {
		return metadata{}, selection{}, fmt.Errorf("%w: the metadata below %q", ErrFormat, appbur.SealedKey)
	}
	if m.MAC == "" || m.LastModified == "" {
		return metadata{}, selection{}, fmt.Errorf("%w: no authentication code or no date", ErrTampered)
	}
	if m.EncryptedRegex == "" {
		return metadata{}, selection{}, fmt.Errorf("%w: selection without encrypted_regex", ErrUnsupported)
	}
	selected, err := parseSelection(m.EncryptedRegex)
	return m, selected, err
}

// wrapDataKey encrypts the data key to each recipient on its own, so that one can
// be taken away without touching the others.
func wrapDataKey(dataKey []byte, recipients recipientSet) ([]wrappedKey, error) {
	keys := make([]wrappedKey, 0, len(recipients))
	for _, r := range recipients {
		var out strings.Builder
		armored := armor.NewWriter(&out)
		w, err := age.Encrypt(armored, r)
		if err != nil {
			return nil, fmt.Errorf("encrypt data key to %s: %w", r, err)
		}
		if _, err := w.Write(dataKey); err != nil {
			return nil, fmt.Errorf("encrypt data key to %s: %w", r, err)
		}
		if err := errors.Join(w.Close(), armored.Close()); err != nil {
			return nil, fmt.Errorf("encrypt data key to %s: %w", r, err)
		}
		text := out.String()
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		keys = append(keys, wrappedKey{Recipient: r.String(), Enc: text})
	}

	return keys, nil
}

// unwrapDataKey decrypts the data key with whichever identity fits.
func unwrapDataKey(keys []wrappedKey, identities []age.Identity) ([]byte, error) {
	names := make([]string, 0, len(keys))
	for _, k := range keys {
		names = append(names, k.Recipient)
		dataKey, err := unwrap(k.Enc, identities)
		var mismatch *age.NoIdentityMatchError
		if errors.As(err, &mismatch) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: data key for %s: %w", ErrTampered, k.Recipient, err)
		}
		return dataKey, nil
	}
	return nil, noIdentityMatch(names)
}

// unwrap decrypts a data key, and returns no more than one byte too much of what is too long.
// age reads a stream in chunks of 64 KiB, and takes memory for two of them however short it is;
// of bytes that are there it takes one chunk. Of 10,000 Secrets that is 0.6 GB.
func unwrap(armored string, identities []age.Identity) ([]byte, error) {
	sealed, err := io.ReadAll(armor.NewReader(strings.NewReader(armored)))
	if err != nil {
		return nil, err
	}
	plain, size, err := age.DecryptReaderAt(bytes.NewReader(sealed), int64(len(sealed)), identities...)
	if err != nil {
		return nil, err
	}

	dataKey := make([]byte, min(size, dataKeySize+1))
	if _, err := plain.ReadAt(dataKey, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return dataKey, nil
}
