package restore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/appbur/appbur/pkg/compat"
)

// redacted replaces a secret value.
const redacted = "(secret)"

// secretOfSecrets are the paths below which every Secret is secret.
var secretOfSecrets = [][]string{{"data"}, {"stringData"}}

// redaction keeps the secret values of one object out of what is printed. Paths say
// where they are; the values themselves are known as well, because API servers and
// webhooks quote what they refuse, and because conversion moves them to other
// paths. A nil redaction hides nothing.
type redaction struct {
	paths [][]string
	// content has the values at the first of the paths. Only errors and digests need
	// them; most objects never do.
	content Content
	valued  int
}

// newRedaction makes the redaction of a saved object; nil if it has no secrets.
func newRedaction(o packed) *redaction {
	paths := o.Secrets
	switch {
	case o.ID.GroupKind() != kindSecret:
	case len(paths) == 0:
		paths = secretOfSecrets
	default:
		paths = append(slices.Clone(secretOfSecrets), paths...)
	}
	if len(paths) == 0 {
		return nil
	}
	return &redaction{paths: paths, content: o.Content, valued: len(paths)}
}

// values are the secret values themselves.
func (v *redaction) values() []string { return secretValues(v.content.Object(), v.paths[:v.valued]) }

// with returns a redaction that hides more paths.
func (v *redaction) with(paths [][]string) *redaction {
	switch {
	case len(paths) == 0:
		return v
	case v == nil:
		return &redaction{paths: paths}
	}
	return &redaction{paths: slices.Concat(v.paths, paths), content: v.content, valued: v.valued}
}

// hides reports whether a value at the path, in which elements of lists have a
// number, is secret or holds secrets.
func (v *redaction) hides(path []string) bool {
	return v != nil && slices.ContainsFunc(v.paths, func(secret []string) bool {
		at := 0
		for _, key := range path {
			if at == len(secret) {
				return true
			}
			if key == secret[at] {
				at++
			} else if _, err := strconv.Atoi(key); err != nil {
				return false
			}
		}
		return true
	})
}

// text returns foreign text without the secret values in it, and without
// what may be values that only the live object has.
func (v *redaction) text(s string) string {
	if v == nil || s == "" {
		return s
	}
	return textWithout(v.values(), s)
}

// textWithout returns foreign text without these values, and without what may be values.
func textWithout(values []string, s string) string {
	s = cutDumps(s)
	var forms []string
	for _, value := range values {
		forms = append(forms, formsOf(value)...)
	}
	// A value can be a part of another one: the longer goes first.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	for _, form := range slices.Compact(forms) {
		s = replaceWord(s, form)
	}
	return cutEncoded(s)
}

// error returns the error with another text.
func (v *redaction) error(err error) error {
	if v == nil || err == nil {
		return err
	}
	text := err.Error()
	if hidden := v.text(text); hidden != text {
		return &redactedError{hidden, err}
	}
	return err
}

// verdict returns the verdict with secret values hidden in all that it says. Saved is the content of
// the redaction, decoded.
func (v *redaction) verdict(verdict compat.Verdict, saved map[string]any) compat.Verdict {
	if v == nil {
		return verdict
	}
	values := secretValues(saved, v.paths[:v.valued])
	verdict.Reason = textWithout(values, verdict.Reason)
	verdict.Changes, verdict.Notices = changesWithout(values, verdict.Changes), changesWithout(values, verdict.Notices)
	verdict.Refusals = slices.Clone(verdict.Refusals)
	for i := range verdict.Refusals {
		verdict.Refusals[i].What = textWithout(values, verdict.Refusals[i].What)
	}
	return verdict
}

func (v *redaction) changes(list []compat.Change) []compat.Change {
	if v == nil {
		return list
	}
	return changesWithout(v.values(), list)
}

func changesWithout(values []string, list []compat.Change) []compat.Change {
	list = slices.Clone(list)
	for i := range list {
		list[i].What = textWithout(values, list[i].What)
	}
	return list
}

// mask returns the content without its secret values.
func (v *redaction) mask(content map[string]any) map[string]any {
	if v == nil {
		return content
	}
	known := make(map[string]bool)
	for _, value := range v.values() {
		known[value] = true
	}
	return v.maskMap(nil, content, known)
}

func (v *redaction) maskMap(path []string, content map[string]any, known map[string]bool) map[string]any {
	masked := make(map[string]any, len(content))
	for key, inner := range content {
		masked[key] = v.maskBelow(child(path, key), inner, known)
	}
	return masked
}

func (v *redaction) maskBelow(path []string, value any, known map[string]bool) any {
	switch x := value.(type) {
	case map[string]any:
		return v.maskMap(path, x, known)
	case []any:
		masked := make([]any, len(x))
		for i, inner := range x {
			masked[i] = v.maskBelow(child(path, strconv.Itoa(i)), inner, known)
		}
		return masked
	case nil, bool:
		if !v.hides(path) {
			return value
		}
	default:
		if !v.hides(path) && !known[scalarText(x)] {
			return value
		}
	}

	return ""
}

// redactedError is an error whose text does not hold secret values. What it wraps is
// for decisions and is never printed.
type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }

// secretValues returns all texts and numbers of an object at and below the paths.
func secretValues(content map[string]any, paths [][]string) []string {
	var values []string
	for _, path := range paths {
		values = valuesAt(content, path, values)
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// valuesAt passes lists on the way through without a key.
func valuesAt(value any, path []string, values []string) []string {
	switch x := value.(type) {
	case map[string]any:
		if len(path) > 0 {
			return valuesAt(x[path[0]], path[1:], values)
		}
		for _, key := range slices.Sorted(maps.Keys(x)) {
			values = valuesAt(x[key], nil, values)
		}
	case []any:
		for _, inner := range x {
			values = valuesAt(inner, path, values)
		}
	case nil, bool: // saying that a switch is on gives nothing away
	default:
		if s := scalarText(x); len(path) == 0 && s != "" {
			values = append(values, s)
		}
	}

	return values
}

func scalarText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}

// formsOf returns how a value appears in messages: as it is, quoted by Go or by
// JSON, decoded from base64, and line by line.
func formsOf(value string) []string {
	const worth = 8 // shorter lines and decodings are too often something else
	plain := []string{value}
	if decoded, err := base64.StdEncoding.DecodeString(value); err == nil && len(decoded) >= worth && utf8.Valid(decoded) {
		plain = append(plain, string(decoded))
	}
	forms := plain

	for _, text := range plain {
		quoted := strconv.Quote(text)
		forms = append(forms, quoted[1:len(quoted)-1])
		if quoted, err := json.Marshal(text); err == nil {
			forms = append(forms, string(quoted[1:len(quoted)-1]))
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); len(line) >= worth {
				forms = append(forms, line)
			}
		}
	}

	slices.Sort(forms)
	return slices.DeleteFunc(slices.Compact(forms), func(form string) bool { return strings.TrimSpace(form) == "" })
}

// replaceWord replaces a value, a short one only as a word of its own: a password
// "a" must not make a message unreadable.
func replaceWord(s, value string) string {
	const short = 6
	if len(value) >= short {
		return strings.ReplaceAll(s, value, redacted)
	}
	var b strings.Builder
	done := 0

	for at := 0; ; {
		found := strings.Index(s[at:], value)
		if found < 0 {
			return b.String() + s[done:]
		}
		at += found
		end := at + len(value)
		if (at == 0 || !inWord(s[at-1])) && (end == len(s) || !inWord(s[end])) {
			b.WriteString(s[done:at] + redacted)
			done = end
		}
		at = end
	}
}

func inWord(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf
}

// encoded are runs of letters and digits as long as no name is: base64, a token.
var encoded = regexp.MustCompile(`[A-Za-z0-9+/_=-]{40,}`)

// cutEncoded replaces what is long and mixes cases, which names of objects and
// digests do not.
func cutEncoded(s string) string {
	return encoded.ReplaceAllStringFunc(s, func(run string) string {
		if strings.ToLower(run) == run || strings.ToUpper(run) == run {
			return run
		}
		return redacted
	})
}

// dumped is how a JSON object begins, in text or quoted.
var dumped = regexp.MustCompile(`\{\\*"`)

// cutDumps replaces JSON objects: some webhooks quote the complete object, and the live
// one can have secrets that the saved one has not.
func cutDumps(s string) string {
	var b strings.Builder
	for {
		begin := dumped.FindStringIndex(s)
		if begin == nil {
			return b.String() + s
		}
		at := begin[0]
		b.WriteString(s[:at] + "{…}")
		decoder := json.NewDecoder(strings.NewReader(s[at:]))
		var dump json.RawMessage
		if decoder.Decode(&dump) != nil {
			return b.String() // it does not end, or is escaped: nothing after it is safe
		}
		s = s[at+int(decoder.InputOffset()):]
	}
}
