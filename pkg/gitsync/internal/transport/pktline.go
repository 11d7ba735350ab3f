package transport

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Everything in Git's wire protocol is in packets: four hexadecimal digits that
// count the packet with themselves, then the payload. "0000" is a flush, which
// ends a list.

// maxPacket is the largest packet, with its digits (gitprotocol-common).
const maxPacket = 65520

// errFlush ends a list of packets.
var errFlush = errors.New("flush packet")

// readPacket reads one packet. The error of a flush packet is errFlush, that of
// an end before the first digit io.EOF.
func readPacket(in io.Reader) ([]byte, error) {
	var digits [4]byte
	if _, err := io.ReadFull(in, digits[:]); err != nil {
		return nil, err
	}
	size, err := strconv.ParseUint(string(digits[:]), 16, 16)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is no packet", ErrNoPacket, digits)
	}

	switch {
	case size == 0:
		return nil, errFlush
	case size < 4 || size > maxPacket:
		return nil, fmt.Errorf("%w: a packet of %d bytes", ErrNoPacket, size)
	}

	payload := make([]byte, size-4)
	if _, err := io.ReadFull(in, payload); err != nil {
		return nil, object.UnexpectedEOF(err)
	}
	return payload, nil
}

// ErrNoPacket means that the peer does not speak Git's protocol.
var ErrNoPacket = errors.New("the answer is not in Git's protocol")

// writePacket writes one packet.
func writePacket(out io.Writer, format string, args ...any) error {
	payload := fmt.Sprintf(format, args...)
	if len(payload)+4 > maxPacket {
		return errors.New("packet too large")
	}
	_, err := fmt.Fprintf(out, "%04x%s", len(payload)+4, payload)
	return err
}

func writeFlush(out io.Writer) error {
	_, err := io.WriteString(out, "0000")
	return err
}

// sideband takes a stream apart that carries data, words for people and a fatal
// error beside one another. It reads as the data.
type sideband struct {
	in    io.Reader
	words *tail
	rest  []byte
	err   error
}

// Read implements [io.Reader].
func (s *sideband) Read(b []byte) (int, error) {
	for len(s.rest) == 0 && s.err == nil {
		packet, err := readPacket(s.in)
		switch {
		case errors.Is(err, errFlush):
			s.err = io.EOF
		case err != nil:
			s.err = object.UnexpectedEOF(err)
		case len(packet) == 0:
			// git sends an empty packet to say that it is still there.
		case packet[0] == 1:
			s.rest = packet[1:]
		case packet[0] == 2:
			_, _ = s.words.Write(packet[1:])
		case packet[0] == 3:
			text := cleanSaid(string(packet[1:]))
			_, _ = s.words.Write(packet[1:])
			s.err = fmt.Errorf("the server gave up: %s", text)
		default:
			s.err = fmt.Errorf("%w: side band %d", ErrNoPacket, packet[0])
		}
	}

	if len(s.rest) == 0 {
		return 0, s.err
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// RefUpdate is one command of a push, with the name that the ref has here; the zero id means "does not exist".
type RefUpdate struct {
	Ref      string
	From, To object.Hash
}

// command is a [RefUpdate] as it is sent.
type command struct {
	ref      ServerRef
	from, to object.Hash
}

// commandsOf translates updates for a remote.
func commandsOf(updates []RefUpdate, namespace Namespace) ([]command, error) {
	commands := make([]command, len(updates))
	for i, u := range updates {
		there, err := namespace.There(u.Ref)
		if err != nil {
			return nil, err
		}
		commands[i] = command{there, u.From, u.To}
	}
	return commands, nil
}

// writeCommands writes the commands of a push.
func writeCommands(out io.Writer, commands []command, capabilities []string) error {
	for i, c := range commands {
		first := ""
		if i == 0 {
			first = "\x00 " + strings.Join(capabilities, " ")
		}
		if err := writePacket(out, "%s %s %s%s", c.from, c.to, c.ref.name, first); err != nil {
			return err
		}
	}
	return writeFlush(out)
}

// pushReport is what a server says became of a push.
type pushReport struct {
	// unpack is "ok" or what went wrong with the pack.
	unpack string
	// refs holds "" for each ref that moved, else the reason.
	refs map[string]string
}

// readReport reads the report of a push.
func readReport(in io.Reader) (pushReport, error) {
	report := pushReport{refs: map[string]string{}}
	for {
		packet, err := readPacket(in)
		if errors.Is(err, errFlush) {
			break
		}
		if err != nil {
			return report, object.UnexpectedEOF(err)
		}
		kind, rest, _ := strings.Cut(strings.TrimSuffix(string(packet), "\n"), " ")
		switch kind {
		case "unpack":
			report.unpack = rest
		case "ok":
			report.refs[rest] = ""
		case "ng":
			ref, why, _ := strings.Cut(rest, " ")
			report.refs[ref] = "refused without a reason"
			if why != "" {
				report.refs[ref] = why
			}
		case "ERR":
			return report, fmt.Errorf("the server gave up: %s", cleanSaid(rest))
		default:
			return report, fmt.Errorf("%w: report line %q", ErrNoPacket, kind)
		}
	}

	if report.unpack == "" {
		return report, fmt.Errorf("%w: a report that does not tell of the pack", ErrNoPacket)
	}
	return report, nil
}
