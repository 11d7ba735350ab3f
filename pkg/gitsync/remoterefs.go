package gitsync

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"

	"github.com/appbur/appbur"
)

// advertisement is what a server says first: its refs and what it is able to do.
type advertisement struct {
	refs         map[string]Hash
	capabilities []string
	// odd are names that no ref can have, made fit to be shown.
	odd []string
}

// can reports whether the server has a capability.
func (a advertisement) can(capability string) bool {
	return slices.Contains(a.capabilities, capability)
}

// capabilitiesRef is the name under which a server without refs lists what it is
// able to do.
const capabilitiesRef = "capabilities^{}"

// readAdvertisement reads the refs of a server. Over HTTP a line that names the
// service stands before them.
func readAdvertisement(in io.Reader, service string, http bool) (advertisement, error) {
	a := advertisement{refs: map[string]Hash{}}
	if http {
		packet, err := readPacket(in)
		if err != nil {
			return a, object.UnexpectedEOF(err)
		}
		if said, isError := strings.CutPrefix(string(packet), "ERR "); isError {
			return a, serverSays(said)
		}
		if strings.TrimSuffix(string(packet), "\n") != "# service="+service {
			return a, fmt.Errorf("%w: it does not name the service", errNoPacket)
		}
		if _, err := readPacket(in); !errors.Is(err, errFlush) {
			return a, fmt.Errorf("%w: no flush after the service", errNoPacket)
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
		if err := object.DefaultLimits.CheckRefs(len(a.refs) + len(a.odd)); err != nil {
			return a, err
		}
	}
}

// refusesFormat says that a remote names objects in another way than this package
// does, before its first line is taken for nonsense: an id of SHA-256 is longer.
func (a *advertisement) refusesFormat(line string) error {
	format := a.value("object-format")
	if id, _, _ := strings.Cut(line, " "); format == "" && len(id) == 2*sha256.Size {
		format = "sha256"
	}
	if format == "" || format == "sha1" {
		return nil
	}
	return inState(RemoteMisconfigured, "", appbur.WithHint(
		fmt.Errorf("%w: the remote is a repository of %s objects, this one is of sha1", ErrUnsupported, format),
		"make a repository of SHA-1 objects there (git init --bare --object-format=sha1) and use that"))
}

// add takes one line with a ref.
func (a *advertisement) add(line string) error {
	text, name, _ := strings.Cut(line, " ")
	hash, err := ParseHash(text)
	if err != nil || name == "" {
		return fmt.Errorf("%w: ref line %q", errNoPacket, cleanSaid(line))
	}
	// Peeled tags and objects of alternates are no refs.
	if name == capabilitiesRef || name == ".have" || strings.HasSuffix(name, "^{}") {
		return nil
	}
	if checkRefName(name) != nil {
		a.odd = append(a.odd, cleanSaid(name)) // git takes it for no ref either
		return nil
	}
	a.refs[name] = hash
	return nil
}

// value returns the value of a capability such as "object-format=sha1".
func (a *advertisement) value(key string) string {
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
		state = RemoteRefused
	}
	return inState(state, said, fmt.Errorf("the server says: %s", said))
}
