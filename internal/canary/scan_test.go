package canary

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// maxUnwrap bounds how many layers of encoding are taken off. A Helm release in a
// Secret has four: base64, base64, gzip, JSON with base64 in it.
const maxUnwrap = 6

var (
	base64Text = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}={0,2}`)
	hexText    = regexp.MustCompile(`[0-9a-fA-F]{24,}`)
	quotedText = regexp.MustCompile(`"(?:[^"\\]|\\.)*\\(?:[^"\\]|\\.)*"`)
	// wrapped joins lines as an encoder that breaks them leaves them.
	wrapped = regexp.MustCompile(`\s*\n\s*`)
)

// find returns which of the values are in the data, in clear or below layers of
// base64, hex, gzip, JSON and URL encoding.
func find(data []byte, values []string) map[string]bool {
	found := map[string]bool{}
	unwrap(data, values, found, map[string]bool{}, maxUnwrap)
	return found
}

func unwrap(data []byte, values []string, found, seen map[string]bool, depth int) {
	if len(data) == 0 || seen[string(data)] {
		return
	}
	seen[string(data)] = true

	for _, value := range values {
		if bytes.Contains(data, []byte(value)) {
			found[value] = true
		}
	}

	if depth == 0 {
		return
	}
	next := func(inner []byte) { unwrap(inner, values, found, seen, depth-1) }
	if plain, ok := gunzip(data); ok {
		next(plain)
		return
	}
	text := string(data)
	if strings.Contains(text, "\n") {
		next([]byte(wrapped.ReplaceAllString(text, "")))
	}

	for _, token := range base64Text.FindAllString(text, -1) {
		// A token may begin inside a word: all alignments are tried.
		for shift := range 4 {
			if shift >= len(token) {
				break
			}
			body := strings.TrimRight(token[shift:], "=")
			body = strings.NewReplacer("-", "+", "_", "/").Replace(body)
			if inner, err := base64.RawStdEncoding.DecodeString(body[:len(body)-boolInt(len(body)%4 == 1)]); err == nil && worthwhile(inner) {
				next(inner)
			}
		}
	}

	for _, token := range hexText.FindAllString(text, -1) {
		if inner, err := hex.DecodeString(token[:len(token)&^1]); err == nil && worthwhile(inner) {
			next(inner)
		}
	}

	for _, token := range quotedText.FindAllString(text, -1) {
		var inner string
		if json.Unmarshal([]byte(token), &inner) == nil {
			next([]byte(inner))
		}
	}

	if strings.Contains(text, "%") {
		if inner, err := url.PathUnescape(text); err == nil {
			next([]byte(inner))
		}
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// worthwhile passes what may hold text on: gzip, or bytes of which a run of twelve is
// printable. Everything else is the noise of tokens that are no base64.
func worthwhile(data []byte) bool {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return true
	}
	run := 0
	for _, b := range data {
		if b >= ' ' && b <= '~' {
			if run++; run == 12 {
				return true
			}
		} else {
			run = 0
		}
	}
	return false
}

func gunzip(data []byte) ([]byte, bool) {
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return nil, false
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(r, 64<<20))
	return plain, err == nil || len(plain) > 0
}

// encoders wrap a text as Kubernetes, Helm and programs do.
var encoders = map[string]func(string) string{
	"base64":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"url64":   func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"hex":     func(s string) string { return hex.EncodeToString([]byte(s)) },
	"gzip":    gzipped,
	"json":    func(s string) string { return quote(map[string]string{"manifest": s}) },
	"percent": func(s string) string { return "x%20" + strings.ReplaceAll(url.PathEscape(s), "-", "%2D") },
	"lines":   func(s string) string { return strings.Join(chunks(s, 10), "\n    ") },
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, s)
	_ = w.Close() // into memory
	return b.String()
}

func quote(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func chunks(s string, n int) []string {
	var parts []string
	for len(s) > n {
		parts, s = append(parts, s[:n]), s[n:]
	}
	return append(parts, s)
}

// The search is worth what it finds.
func TestPlantedSecretsAreFound(t *testing.T) {
	value := `CANARY-find-0123456789abcdef`
	text := "some text\npassword: \"" + value + "\"\nmore"

	for name, encode := range encoders {
		for inner, again := range encoders {
			data := "before " + encode("noise "+again(text)) + " after"
			if inner == "gzip" && (name == "json" || name == "percent" || name == "lines") || name == "gzip" {
				// Bytes do not survive text, and gzip begins a value.
				data = encode(again(text))
				if inner == "gzip" && name != "gzip" {
					continue
				}
			}
			if name != "gzip" && inner == "gzip" {
				data = encode(again(text))
			}
			if !find([]byte(data), []string{"CANARY-absent", value})[value] {
				t.Errorf("not found in %s of %s: %.200q", name, inner, data)
			}
		}
	}

	release := encoders["base64"](encoders["base64"](gzipped(encoders["json"]("data:\n  password: " + encoders["base64"](value)))))
	if !find([]byte("release: "+release+"\n"), []string{value})[value] {
		t.Error("not found in a Helm release")
	}
	if got := find([]byte("CANARY-fin"), []string{value}); len(got) > 0 {
		t.Errorf("found %v in what holds nothing", got)
	}
}
