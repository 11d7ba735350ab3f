package actor

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

// Bounds of what a name becomes: of the name, in characters, and of the first part of the address.
const (
	longestName  = 128
	longestLocal = 64
)

// domains is where the addresses of actors are. None exists (RFC 2606), and none is that of appbur itself, so that a user who is called
// appbur is not taken for it.
var domains = map[Source]string{Audit: "audit", FieldManagers: "field-manager"}

// Person makes an author of an actor. The name is what people read: control characters, marks that turn the direction of text,
// angle brackets and what is too long are replaced. The address is what tells actors apart: it contains a digest of the name
// unless it spells the name itself, and where the name comes from.
func (a Actor) Person(cluster string) (name, email string) {
	name = display(a.Name)
	if a.Source == FieldManagers {
		name += " (field manager)"
	}
	return name, local(a.Name) + "@" + domains[a.Source] + "." + label(cluster) + ".invalid"
}

// replacement stands for what is not shown. Git drops U+FFFD from names.
const replacement = '?'

func display(name string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r == '<' || r == '>' || r == unicode.ReplacementChar:
			return replacement
		case r == ' ':
			return r
		case !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r):
			return replacement
		default:
			return r
		}
	}, strings.ToValidUTF8(name, string(replacement)))
	if runes := []rune(safe); len(runes) > longestName {
		safe = string(runes[:longestName-1]) + "…"
	}
	if strings.Trim(safe, " .,:;\"\\'") == "" {
		return "user " + digest(name) // git would leave nothing of it
	}
	return safe
}

// local spells a name in lower-case letters, digits, dots, dashes and underscores.
func local(name string) string {
	spelled := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r == ':' || r == '@' || r == '/':
			return '.'
		default:
			return '-'
		}
	}, strings.ToValidUTF8(name, "-"))
	if len(spelled) > longestLocal {
		spelled = spelled[:longestLocal]
	}
	if spelled == name && spelled != "" && strings.Trim(spelled, ".") == spelled {
		return spelled
	}
	return cmp.Or(strings.Trim(spelled, ".-"), "user") + "+" + digest(name)
}

// label is a part of a host name.
func label(cluster string) string {
	spelled := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(cluster)), "-")
	if spelled == "" {
		return "cluster"
	}
	return spelled[:min(len(spelled), 63)]
}

func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}
