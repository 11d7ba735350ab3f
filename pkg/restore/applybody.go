package restore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// applyBody encodes the intent of a server-side apply. The API server reads it as
// YAML even when it is JSON (apimachinery, the type application/apply-patch+yaml),
// and a YAML reader is not content with all that JSON allows in a string: it
// refuses some characters and takes U+0085 for a line break. Those are written as
// escapes, which both languages read alike. What only HTML would have escaped is
// not: it grows to six times its size, and servers refuse requests of 3 MiB.
func applyBody(content map[string]any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(content); err != nil {
		return nil, fmt.Errorf("encoding the object: %w", err)
	}
	return escapeForYAML(bytes.TrimSuffix(body.Bytes(), []byte("\n"))), nil
}

// escapeForYAML replaces what YAML 1.2.2, rules 1 and 35, keeps out of quoted
// scalars and JSON does not. encoding/json escapes everything below U+0020, and
// U+2028 and U+2029, by itself.
func escapeForYAML(body []byte) []byte {
	if bytes.IndexFunc(body, unwelcome) < 0 {
		return body
	}
	escaped := make([]byte, 0, len(body)+64)
	for len(body) > 0 {
		r, size := utf8.DecodeRune(body)
		if unwelcome(r) {
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		} else {
			escaped = append(escaped, body[:size]...)
		}
		body = body[size:]
	}
	return escaped
}

func unwelcome(r rune) bool {
	return r >= 0x7f && r <= 0x9f || r == 0xfeff || r == 0xfffe || r == 0xffff
}
