package object

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Person is an author, a committer or a tagger.
type Person struct {
	Name  string
	Email string
}

// unknownName replaces a name of which nothing is left.
const unknownName = "unknown"

// crud is what git strips from both ends of names (ident.c).
const crud = " .,:;<>\"\\'"

// sanitized returns the person as git would store it. Names come from the
// cluster and may hold anything: angle brackets and line breaks would let a name
// forge an address or a header.
func (p Person) sanitized() Person {
	name, email := cleanIdentity(p.Name), cleanIdentity(p.Email)
	if name == "" {
		name = unknownName
	}
	return Person{Name: name, Email: strings.ReplaceAll(email, " ", "")}
}

func cleanIdentity(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '<' || r == '>':
			return -1
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return ' '
		default:
			return r
		}
	}, strings.ToValidUTF8(s, ""))
	return strings.Trim(strings.Join(strings.Fields(s), " "), crud)
}

// FormatIdentity is "name <email> seconds zone", as commits and tags hold it.
func FormatIdentity(p Person, at time.Time) string {
	p = p.sanitized()
	return fmt.Sprintf("%s <%s> %d %s", p.Name, p.Email, at.Unix(), at.Format("-0700"))
}

// ParseIdentity reads such a line. It is lenient, since history may hold the
// lines of other writers.
func ParseIdentity(line string) (Person, time.Time, error) {
	open, shut := strings.IndexByte(line, '<'), strings.LastIndexByte(line, '>')
	if open < 0 || shut < open {
		return Person{}, time.Time{}, fmt.Errorf("%w: identity %q has no address", ErrCorrupt, line)
	}
	p := Person{Name: strings.TrimSpace(line[:open]), Email: line[open+1 : shut]}
	var seconds int64
	var zone string
	if _, err := fmt.Sscanf(line[shut+1:], " %d %s", &seconds, &zone); err != nil {
		return Person{}, time.Time{}, fmt.Errorf("%w: identity %q has no time: %w", ErrCorrupt, line, err)
	}
	at := time.Unix(seconds, 0).UTC()
	if z, err := time.Parse("-0700", zone); err == nil {
		_, offset := z.Zone()
		at = at.In(time.FixedZone("", offset))
	}
	return p, at, nil
}
