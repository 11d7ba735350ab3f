//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"time"
)

// readyTimeout bounds the start of a service.
const readyTimeout = 30 * time.Second

// readyWord is what a service says when it can be used. "already" is not it.
var readyWord = regexp.MustCompile(`(?i)\bready\b`)

// service is a program that keeps running beside the story.
type service struct {
	*process
	address string
}

// serve starts a program that prints a line with the word ready once it can be
// used. Its output goes to <name>.log.
func (s *stage) serve(ctx context.Context, name, address string, args ...string) (*service, error) {
	return s.serveUntil(ctx, readyWord, name, address, args...)
}

// serveUntil is serve for a program that says in other words that it can be used.
func (s *stage) serveUntil(ctx context.Context, word *regexp.Regexp, name, address string, args ...string) (*service, error) {
	line := append([]string{name}, args...)
	s.command(quoteLine(line) + " &")
	log, err := os.Create(s.path(name + ".log"))
	if err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		_ = log.Close()
		return nil, err
	}
	cmd := exec.Command(s.program(name), args...)
	cmd.Dir, cmd.Env = s.dir, s.environ
	cmd.Stdout, cmd.Stderr = writer, writer
	p, err := startProcess(cmd)
	_ = writer.Close()
	if err != nil {
		_ = reader.Close()
		_ = log.Close()
		return nil, err
	}
	svc := &service{process: p, address: address}
	s.services = append(s.services, svc)

	ready := make(chan string, 1)
	drained := make(chan struct{}) // its output was read to the end
	go func() {
		defer close(drained)
		defer func() { _, _ = reader.Close(), log.Close() }()
		lines := bufio.NewScanner(reader)
		for waiting := true; lines.Scan(); {
			_, _ = fmt.Fprintln(log, lines.Text())
			if waiting && word.MatchString(lines.Text()) {
				waiting = false
				ready <- lines.Text()
			}
		}
		// A line too long for the scanner must not block the program.
		_, _ = io.Copy(log, reader)
	}()

	timer := time.NewTimer(readyTimeout)
	defer timer.Stop()
	select {
	case line := <-ready:
		s.say("%s", line)
		return svc, nil
	case <-p.ended:
		<-drained
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%s ended with exit code %d; the end of %s is\n%s", name, p.exitCode(), log.Name(), excerpt(string(text), 0, 5))
	case <-timer.C:
		return nil, errors.New(name + " is not ready after " + readyTimeout.String() + "; its log is " + log.Name())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
