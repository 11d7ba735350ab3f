package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/appbur/appbur"
)

// confirm asks a question that only "yes" answers. Without a terminal there is no
// answer, so a flag must have confirmed it before.
func (e *env) confirm(ctx context.Context, question string) error {
	if !e.InTerminal {
		return &usageError{appbur.WithHint(errors.New("this must be confirmed, and no terminal is there to confirm it"), "pass --yes")}
	}
	fmt.Fprintf(e.Err, "%s [yes/no] ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(e.In).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()

	select {
	case text := <-answer:
		e.statusLine().answered()
		if strings.EqualFold(text, "yes") {
			return nil
		}
		return &stoppedError{"not confirmed, nothing was changed"}
	case <-ctx.Done():
		fmt.Fprintln(e.Err) // the question is on a line of its own
		return &stoppedError{"cancelled before an answer, nothing was changed"}
	}
}
