package contracttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// moments are how long after the commit IMP-007 kills.
var moments = []time.Duration{
	0, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond,
	100 * time.Millisecond,
}

func importKilled(ctx context.Context, s *session) error {
	if s.instance.Kill == nil || s.instance.Restart == nil {
		return s.needs("", "Kill", "Restart")
	}
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	if before.empty().size() == 0 {
		other = before.empty()
	}

	for i, next := 0, other; i <= len(moments); i++ {
		r := s.raw(next)
		sent := len(r.chunks)
		if i == 0 {
			sent /= 2
		}
		stream, err := s.sendAll(ctx, r, sent)
		if err != nil {
			return err
		}
		where := "while receiving"
		if i > 0 {
			where = fmt.Sprintf("%s after the commit", moments[i-1])
			if err := stream.Send(commitMessage(r.commit)); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if err := s.pause(ctx, moments[i-1]); err != nil {
				return err
			}
		}
		if err := s.kill(ctx, s.instance.Kill); err != nil {
			return err
		}
		got, err := s.export(ctx)
		if err != nil {
			return fmt.Errorf("killed %s: %w", where, err)
		}
		if err := got.oneOf(before, other); err != nil {
			return fmt.Errorf("killed %s: %w", where, err)
		}
		if i == 0 && before.differs(got) != nil {
			return errors.New("an import that was not committed shows after a restart")
		}
		if next = other; other.differs(got) == nil {
			next = before
		}
	}

	return s.survives(ctx, s.instance.Kill, before, other)
}

// survives makes sure that an import whose result came is there after a restart.
func (s *session) survives(ctx context.Context, end func(context.Context) error, before, other state) error {
	for _, next := range []state{other, before} {
		if _, err := s.apply(ctx, next); err != nil {
			return err
		}
		if err := s.kill(ctx, end); err != nil {
			return err
		}
		if err := s.holds(ctx, next); err != nil {
			return fmt.Errorf("an import that had succeeded was lost in a restart: %w", err)
		}
	}
	return nil
}
