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
	return e.confirmBy(ctx, question+" [yes/no]", "yes", "pass --yes")
}

// confirmBy asks a question that has one answer; instead says what confirms without a terminal.
func (e *env) confirmBy(ctx context.Context, question, want, instead string) error {
	if !e.InTerminal {
		return &usageError{appbur.WithHint(errors.New("this must be confirmed, and no terminal is there to confirm it"), instead)}
	}
	fmt.Fprintf(e.Err, "%s ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(e.In).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()

	select {
	case text := <-answer:
		e.statusLine().answered()
		if strings.EqualFold(text, want) {
			return nil
		}
		return &stoppedError{"not confirmed, nothing was changed"}
	case <-ctx.Done():
		fmt.Fprintln(e.Err) // the question is on a line of its own
		return &stoppedError{"cancelled before an answer, nothing was changed"}
	}
}
