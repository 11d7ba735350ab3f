package transport

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Push requests that refs move, and sends the pack that they need. sendPack is nil when
// the server has all objects. The error is a [Error], or tells of damage in the
// repository here.
func (t *Session) Push(updates []RefUpdate, capabilities []string, sendPack func(io.Writer) error) error {
	commands, err := commandsOf(updates, t.namespace)
	if err != nil {
		return fmt.Errorf("push: %w", err)
	}

	// home is what went wrong here while the pack was sent. The server only sees
	// that it ended too early, so this comes first.
	var home atomic.Pointer[localError]

	answer, err := t.request(func(out io.Writer) error {
		if err := writeCommands(out, commands, capabilities); err != nil {
			return err
		}
		if sendPack == nil {
			return nil
		}
		err := sendPack(out)
		if errors.Is(err, object.ErrCorrupt) || errors.Is(err, object.ErrObjectNotFound) {
			home.Store(&localError{err})
		}
		return err
	})
	if err != nil {
		return cmp.Or(home.Load().hinted(), t.Failed(err))
	}
	if slices.Contains(capabilities, "side-band-64k") {
		answer = &sideband{in: answer, words: &t.words}
	}

	report, err := readReport(answer)
	if failure := home.Load(); failure != nil {
		return failure.hinted()
	}
	if err != nil {
		return t.Failed(err)
	}

	// What follows the report can only be a hook's last words; that they are cut
	// off changes nothing.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer, 1<<20))
	t.Close()
	return report.verdict(commands, t.messages())
}

// verdict makes an error of a report that tells of anything but success.
func (p pushReport) verdict(commands []command, said string) error {
	if p.unpack != "ok" {
		text := said + "\n" + p.unpack
		state, ok := stateSaid(text)
		if !ok {
			state = Broken
		}
		return NewError(state, said, fmt.Errorf("the server could not take the pack: %s", cleanSaid(p.unpack)))
	}

	var why string
	var refused []string
	for _, c := range commands {
		reason, told := p.refs[c.ref.name]
		if !told {
			reason = "the server did not say what became of it"
		}
		if reason == "" {
			continue
		}
		refused = append(refused, fmt.Sprintf("%s: %s", c.ref.name, cleanSaid(reason)))
		// In an atomic push most refs are refused because of another.
		if !strings.Contains(reason, "atomic") {
			why += "\n" + reason
		}
	}

	if len(refused) == 0 {
		return nil
	}

	// The hook's words are looked at first: forges say there what a hook is about.
	state, ok := stateSaid(said + why)
	if !ok {
		state = Refused
	}
	return NewError(state, said, fmt.Errorf("the server refused %s", appbur.Shortlist(refused, 6)))
}
