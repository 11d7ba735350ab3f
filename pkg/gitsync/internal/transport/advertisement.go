package transport

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Advertisement is what a server says first: its refs and what it is able to do.
type Advertisement struct {
	// Refs are those in the namespace of the session, by the names that they have here.
	Refs         map[string]object.Hash
	namespace    Namespace
	capabilities []string
	// foreign counts the refs of other namespaces.
	foreign int
	// Odd are names that no ref can have, made fit to be shown.
	Odd []string
}

// Supports reports whether the server has a capability.
func (a Advertisement) Supports(capability string) bool {
	return slices.Contains(a.capabilities, capability)
}

// capabilitiesRef is the name under which a server without refs lists what it is
// able to do.
const capabilitiesRef = "capabilities^{}"

// foreignRefs is how many refs of others a server may list for each of ours that it may: they are read and not kept.
const foreignRefs = 50

// readAdvertisement reads the refs of a server that are in a namespace. Over HTTP a line that names the
// service comes before them.
func readAdvertisement(in io.Reader, service string, http bool, namespace Namespace) (Advertisement, error) {
	a := Advertisement{Refs: map[string]object.Hash{}, namespace: namespace}
	if http {
		packet, err := readPacket(in)
		if err != nil {
			return a, object.UnexpectedEOF(err)
		}
		if said, isError := strings.CutPrefix(string(packet), "ERR "); isError {
			return a, serverSays(said)
		}
		if strings.TrimSuffix(string(packet), "\n") != "# service="+service {
			return a, fmt.Errorf("%w: it does not name the service", ErrNoPacket)
		}
		if _, err := readPacket(in); !errors.Is(err, errFlush) {
			return a, fmt.Errorf("%w: no flush after the service", ErrNoPacket)
		}
	}

	for first := true; ; first = false {
		packet, err := readPacket(in)
		if errors.Is(err, errFlush) {
			return a, nil
		}
		if err != nil {
			return a, object.UnexpectedEOF(err)
		}
		line := strings.TrimSuffix(string(packet), "\n")
		if said, isError := strings.CutPrefix(line, "ERR "); isError {
			return a, serverSays(said)
		}
		if line == "version 1" || strings.HasPrefix(line, "shallow ") {
			continue
		}
		if len(a.capabilities) == 0 {
			var list string
			if line, list, _ = strings.Cut(line, "\x00"); list != "" {
				a.capabilities = strings.Fields(list)
			}
		}
		if err := a.refusesFormat(line); first && err != nil {
			return a, err
		}
		if err := a.add(line); err != nil {
			return a, err
		}
		if err := object.DefaultLimits.CheckRefs(len(a.Refs) + len(a.Odd) + a.foreign/foreignRefs); err != nil {
			return a, err
		}
	}
}

// refusesFormat says that a remote names objects in another way than this package
// does, before its first line is taken for nonsense: an id of SHA-256 is longer.
func (a *Advertisement) refusesFormat(line string) error {
	format := a.Value("object-format")
	if id, _, _ := strings.Cut(line, " "); format == "" && len(id) == 2*sha256.Size {
		format = "sha256"
	}
	if format == "" || format == "sha1" {
		return nil
	}
	return NewError(Misconfigured, "", appbur.WithHint(
		fmt.Errorf("%w: the remote is a repository of %s objects, this one is of sha1", object.ErrUnsupported, format),
		"make a repository of SHA-1 objects there (git init --bare --object-format=sha1) and use that"))
}

// add takes one line with a ref.
func (a *Advertisement) add(line string) error {
	text, name, _ := strings.Cut(line, " ")
	hash, err := object.ParseHash(text)
	if err != nil || name == "" {
		return fmt.Errorf("%w: ref line %q", ErrNoPacket, cleanSaid(line))
	}
	// Peeled tags and objects of alternates are no refs.
	if name == capabilitiesRef || name == ".have" || strings.HasSuffix(name, "^{}") {
		return nil
	}
	here, ours := a.namespace.Here(name)
	switch {
	case !ours:
		a.foreign++
	case object.CheckRefName(name) != nil:
		a.Odd = append(a.Odd, cleanSaid(name)) // git takes it for no ref either
	default:
		a.Refs[here] = hash
	}
	return nil
}

// Value returns the value of a capability such as "object-format=sha1".
func (a *Advertisement) Value(key string) string {
	for _, c := range a.capabilities {
		if value, ok := strings.CutPrefix(c, key+"="); ok {
			return value
		}
	}
	return ""
}

func serverSays(said string) error {
	said = cleanSaid(said)
	state, ok := stateSaid(said)
	if !ok {
		state = Refused
	}
	return NewError(state, said, fmt.Errorf("the server says: %s", said))
}
