package contracttest

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

func netStop(ctx context.Context, s *session) error {
	if s.instance.Terminate == nil || s.instance.Restart == nil {
		return s.needs("", "Terminate", "Restart")
	}
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	if err := s.survives(ctx, s.instance.Terminate, before, other); err != nil {
		return err
	}

	connection, err := s.connect()
	if err != nil {
		return err
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	health, err := grpc_health_v1.NewHealthClient(connection).Watch(watching,
		&grpc_health_v1.HealthCheckRequest{Service: contractpb.AppState_ServiceDesc.ServiceName})
	if err != nil {
		return err
	}
	if _, err := health.Recv(); err != nil {
		return fmt.Errorf("watching health: %w", err)
	}

	reported := make(chan bool, 1)
	go func() {
		for {
			m, err := health.Recv()
			if err != nil || m.GetStatus() == grpc_health_v1.HealthCheckResponse_NOT_SERVING {
				// A connection that ends says the same.
				reported <- watching.Err() == nil
				cancel()
				return
			}
		}
	}()

	r := s.raw(other)
	stream, err := s.sendAll(ctx, r, len(r.chunks))
	if err != nil {
		return err
	}
	if err := stream.Send(commitMessage(r.commit)); err != nil {
		err = outcome(stream)
		return err
	}
	answered := make(chan error, 1)
	go func() {
		err := outcome(stream)
		answered <- err
	}()

	if err := s.kill(ctx, s.instance.Terminate); err != nil {
		return err
	}
	if err := <-answered; err == nil {
		if err := s.holds(ctx, other); err != nil {
			return fmt.Errorf("an import that succeeded while the application stopped: %w", err)
		}
	}

	got, err := s.export(ctx)
	if err != nil {
		return err
	}
	if err := got.oneOf(before, other); err != nil {
		return fmt.Errorf("stopped during an import: %w", err)
	}

	select {
	case ok := <-reported:
		if !ok {
			return errors.New("health did not say NOT_SERVING")
		}
		return nil
	case <-ctx.Done():
		return errors.New("health did not say NOT_SERVING, and the connection did not end")
	}
}

func netLeak(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	one := before.order[0]

	resources := func() (map[string]int, error) {
		if s.instance.Resources == nil {
			return nil, nil
		}
		return s.instance.Resources()
	}

	first, err := resources()
	if err != nil {
		return fmt.Errorf("counting resources: %w", err)
	}

	for i := range s.config.Many {
		all, err := s.messages(ctx, &contractpb.ExportRequest{Datasets: []string{one}})
		if err != nil {
			return fmt.Errorf("export %d: %w", i+1, err)
		}
		if all[len(all)-1].GetTrailer() == nil {
			return fmt.Errorf("export %d has no trailer", i+1)
		}
	}

	if s.instance.Resources == nil {
		s.note("what the process holds was not looked at, for want of %s", s.named("Resources"))
		return s.holds(ctx, before)
	}

	// Exports that can still be resumed may hold something; each one that leaks does.
	allowed := max(s.config.Many/2, 4*s.info.Limits.MaxParallelExports*len(s.info.Datasets))
	return s.eventually(ctx, freedWithin, func(context.Context) error {
		now, err := resources()
		if err != nil {
			return err
		}
		for what, n := range now {
			if n-first[what] > allowed {
				return fmt.Errorf("%d exports left %d %s more than there were", s.config.Many, n-first[what], what)
			}
		}
		return nil
	})
}

func netCuts(ctx context.Context, s *session) (err error) {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}

	// The seed is fixed: which bytes are cut differs by the timing anyhow.
	line, err := newCutter(s.instance.Address, s.config.Cuts, mathrand.New(mathrand.NewPCG(1, 2)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, line.close()) }()
	client, err := contract.Dial(ctx, line.address, line.dial(s.instance.Dial))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	line.arm()

	// Chunks that are short enough for several to pass between two cuts.
	chunk := min(max(before.size()/20, 64), 4096)
	at := before

	for round := 0; line.left() > 0 && round < 4*s.config.Cuts; round++ {
		got, err := s.exportBy(ctx, client, chunk)
		if err != nil {
			return fmt.Errorf("an export over a line that is cut: %w", err)
		}
		if err := at.differs(got); err != nil {
			return fmt.Errorf("an export over a line that is cut: %w", err)
		}
		if at.differs(before) == nil {
			at = other
		} else {
			at = before
		}
		if _, err := client.Import(ctx, s.request(at)); err != nil {
			return fmt.Errorf("an import over a line that is cut: %w", err)
		}
		if err := s.holds(ctx, at); err != nil {
			return fmt.Errorf("after an import over a line that is cut: %w", err)
		}
	}

	if n := line.left(); n > 0 {
		s.note("%d of %d cuts were not made: the payload is small", n, s.config.Cuts)
	}
	return nil
}
