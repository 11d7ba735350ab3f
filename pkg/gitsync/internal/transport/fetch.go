package transport

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Fetch requests what is below some objects and not below those of have, which are here already, and returns the
// pack's stream. Objects of have that the server does not know are no matter.
func (t *Session) Fetch(want, have []object.Hash) (io.Reader, error) {
	return t.fetch(want, have, false)
}

// FetchNewest requests a commit without the commits that it continues.
func (t *Session) FetchNewest(commit object.Hash) (io.Reader, error) {
	if !t.Supports("shallow") {
		return nil, NewError(NotUnderstood, "", errors.New("the server sends no commit without its history"))
	}
	return t.fetch([]object.Hash{commit}, nil, true)
}

func (t *Session) fetch(want, have []object.Hash, newest bool) (io.Reader, error) {
	slices.SortFunc(want, func(a, b object.Hash) int { return strings.Compare(string(a[:]), string(b[:])) })
	want = slices.Compact(want)

	capabilities := []string{"agent=appbur"}
	// multi_ack_detailed is not needed where nothing is negotiated, but some servers
	// (Azure DevOps) refuse clients without it.
	for _, c := range []string{"multi_ack_detailed", "side-band-64k", "ofs-delta", "no-progress"} {
		if t.Supports(c) {
			capabilities = append(capabilities, c)
		}
	}

	if t.Value("object-format") != "" {
		capabilities = append(capabilities, "object-format=sha1")
	}

	answer, err := t.request(func(out io.Writer) error {
		request := bufio.NewWriter(out)
		for i, id := range want {
			list := ""
			if i == 0 {
				list = " " + strings.Join(capabilities, " ")
			}
			if err := writePacket(request, "want %s%s\n", id, list); err != nil {
				return err
			}
		}
		if newest {
			if err := writePacket(request, "deepen 1\n"); err != nil {
				return err
			}
		}
		if err := writeFlush(request); err != nil {
			return err
		}
		// All at once and without a pause to listen: what is in common is known well enough.
		for _, id := range have {
			if err := writePacket(request, "have %s\n", id); err != nil {
				return err
			}
		}
		if err := writePacket(request, "done\n"); err != nil {
			return err
		}
		return request.Flush()
	})
	if err != nil {
		return nil, err
	}

	if newest {
		if err := readShallow(answer); err != nil {
			return nil, err
		}
	}
	if err := readCommon(answer); err != nil {
		return nil, err
	}
	if slices.Contains(capabilities, "side-band-64k") {
		answer = &sideband{in: answer, words: &t.words}
	}
	return answer, nil
}

// readShallow reads which commits come without those that they continue.
func readShallow(answer io.Reader) error {
	for {
		packet, err := readPacket(answer)
		if errors.Is(err, errFlush) {
			return nil
		}
		if err != nil {
			return object.UnexpectedEOF(err)
		}
		if said, isError := strings.CutPrefix(string(packet), "ERR "); isError {
			return serverSays(said)
		}
		if !strings.HasPrefix(string(packet), "shallow ") {
			return fmt.Errorf("%w: no list of commits without a history", ErrNoPacket)
		}
	}
}

// readCommon reads what the server says of the objects that are here already: NAK when it knows none of them, else
// any number of ACKs with a word after the id, and one without.
func readCommon(answer io.Reader) error {
	for {
		packet, err := readPacket(answer)
		if err != nil {
			return object.UnexpectedEOF(err)
		}
		if said, isError := strings.CutPrefix(string(packet), "ERR "); isError {
			return serverSays(said)
		}

		words := strings.Fields(string(packet))
		switch {
		case len(words) == 1 && words[0] == "NAK", len(words) == 2 && words[0] == "ACK":
			return nil
		case len(words) != 3 || words[0] != "ACK":
			return fmt.Errorf("%w: no NAK or ACK before the pack", ErrNoPacket)
		}
	}
}
