package transport

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Fetch requests everything below some objects, and returns the pack's stream.
func (t *Session) Fetch(want []object.Hash) (io.Reader, error) {
	slices.SortFunc(want, func(a, b object.Hash) int { return strings.Compare(string(a[:]), string(b[:])) })
	want = slices.Compact(want)

	capabilities := []string{"agent=appbur"}
	// multi_ack_detailed is not needed to ask for everything, but some servers
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
		if err := writeFlush(request); err != nil {
			return err
		}
		if err := writePacket(request, "done\n"); err != nil {
			return err
		}
		return request.Flush()
	})
	if err != nil {
		return nil, err
	}

	packet, err := readPacket(answer)
	if err != nil {
		return nil, object.UnexpectedEOF(err)
	}
	if said, isError := strings.CutPrefix(string(packet), "ERR "); isError {
		return nil, serverSays(said)
	}
	if strings.TrimSpace(string(packet)) != "NAK" {
		return nil, fmt.Errorf("%w: no NAK before the pack", ErrNoPacket)
	}
	if slices.Contains(capabilities, "side-band-64k") {
		answer = &sideband{in: answer, words: &t.words}
	}
	return answer, nil
}
