package logfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/appbur/appbur"
)

// Intake takes the events.
type Intake interface {
	Take(event []byte)
	Refuse(reason string)
}

// Options say what is followed.
type Options struct {
	// Path is the log that the API server writes.
	Path string
	// State is the file that keeps the place; "" keeps none.
	State string
	// Again is how much of what was taken last is taken again after a restart, in time: who takes it may not have finished with
	// it when it ends. 0 takes none again.
	Again time.Duration
	// Every is how often the file is looked at; 0 means a second.
	Every time.Duration
	// Line is how long a line may be, in bytes; 0 means 16 MiB.
	Line int
	// Before is how much of a file is read that is followed for the first time, in bytes; 0 means 16 MiB.
	Before int64
	// Log receives what is worth knowing; nil discards it. Hint is the next step after an error; nil means
	// [appbur.HintOf].
	Log  *slog.Logger
	Hint func(error) string
}

// Follower follows a log.
type Follower struct {
	intake Intake
	o      Options
	// place is up to where the log was read.
	place place
	// file is the log as it was opened, nil before; it is read to its end under whatever name.
	file *os.File
	// said is the fault that was told last, "" for none.
	said string
	// saved is the place that the state file has.
	saved place
	// older is the place to begin at after a restart, and newer the one after it; looks counts the looks at the log.
	older, newer place
	looks        int
	// skipped: the log was not read from its start.
	skipped bool
}

// New returns a follower that brings events to an intake.
func New(intake Intake, o Options) *Follower {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Line <= 0 {
		o.Line = 16 << 20
	}
	if o.Before <= 0 {
		o.Before = 16 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Hint == nil {
		o.Hint = appbur.HintOf
	}
	return &Follower{intake: intake, o: o}
}

// Run follows the log until ctx ends. What is wrong with a file is told once, and tried again.
func (f *Follower) Run(ctx context.Context) {
	f.tell(f.restore())
	defer func() {
		f.tell(f.save())
		f.close()
	}()
	ticker := time.NewTicker(f.o.Every)
	defer ticker.Stop()

	for {
		err := f.step(ctx)
		f.tell(errors.Join(err, f.save()))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// step reads what is new.
func (f *Follower) step(ctx context.Context) error {
	if f.file == nil {
		if err := f.open(ctx); err != nil {
			return err
		}
	}
	truncated, err := f.truncated()
	if err != nil {
		return err
	}
	if truncated {
		f.catchUp(ctx)
		return f.read(ctx)
	}
	if err := f.read(ctx); err != nil {
		return err
	}

	rotated, err := f.rotated()
	if err != nil || !rotated {
		return err
	}
	// Once more: a line may have been written between the last look and the rotation.
	if err := f.read(ctx); err != nil {
		return err
	}
	f.endOfFile()
	f.close()
	f.place.finished = true
	return f.open(ctx)
}

// open opens the log. If it is not the one that was read last, what is left of that is read first.
func (f *Follower) open(ctx context.Context) error {
	file, err := os.Open(f.o.Path)
	if err != nil {
		return &FaultError{f.o.Path, err}
	}
	f.file = file
	if !f.place.known {
		return f.begin()
	}
	same, err := f.place.matches(file)
	if err != nil {
		return err
	}
	if !same {
		f.catchUp(ctx)
	}
	return nil
}

// begin finds where a log is read from that was not read before: not from its start, which may be long ago.
func (f *Follower) begin() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	f.place = place{known: true}
	if info.Size() > f.o.Before {
		f.place.offset, f.place.midway, f.skipped = info.Size()-f.o.Before, true, true
	}
	return nil
}

// truncated reports whether the open file has become another one under the same inode.
func (f *Follower) truncated() (bool, error) {
	info, err := f.file.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() < f.place.offset {
		return true, nil
	}
	same, err := f.place.matches(f.file)
	return !same, err
}

// rotated reports whether the path leads to another file than the open one.
func (f *Follower) rotated() (bool, error) {
	now, err := os.Stat(f.o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // it is being renamed
	}
	if err != nil {
		return false, &FaultError{f.o.Path, err}
	}
	open, err := f.file.Stat()
	if err != nil {
		return false, err
	}
	return !os.SameFile(now, open), nil
}

// read takes the whole lines that are new.
func (f *Follower) read(ctx context.Context) error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == f.place.offset || info.Size() == f.place.looked {
		return nil
	}
	if _, err := f.file.Seek(f.place.offset, io.SeekStart); err != nil {
		return err
	}
	if err := f.place.recognise(f.file); err != nil {
		return err
	}
	read, err := f.lines(ctx, f.file, &f.place)
	f.place.looked = f.place.offset + read
	return err
}

func (f *Follower) close() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}

// tell says what is wrong, once, and that it is well again.
func (f *Follower) tell(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch text {
	case f.said:
	case "":
		f.o.Log.Info("the audit log is read again", "path", f.o.Path)
	default:
		f.o.Log.Error("the audit log cannot be followed; it is tried again", "path", f.o.Path, "reason", text, "hint", f.o.Hint(err))
	}
	f.said = text
}

// FaultError is why a log cannot be read.
type FaultError struct {
	Path string
	Err  error
}

func (e *FaultError) Error() string { return "reading the audit log: " + e.Err.Error() }
func (e *FaultError) Unwrap() error { return e.Err }
