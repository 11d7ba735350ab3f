package contract

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// exports are the exports of one server that run, that can be resumed, or whose
// last message the caller may have missed.
type exports struct {
	service *service

	mu       sync.Mutex
	sessions []*exportSession // oldest first
	running  sync.WaitGroup   // producers
}

// open returns the session of an operation and makes the caller its stream. A
// session that is known goes on with the same snapshot, whatever became of the
// stream that began it.
func (e *exports) open(ctx context.Context, id string, selected []*definition) (*exportSession, int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.find(id); x != nil {
		if !x.wanted(selected) {
			return nil, 0, NewError(ReasonOperationConflict, "operation %s exports other datasets", id)
		}
		return x, x.attach(), nil
	}
	if err := e.makeRoom(); err != nil {
		return nil, 0, err
	}
	x, err := e.service.newExportSession(ctx, id, selected)
	if err != nil {
		return nil, 0, err
	}
	e.sessions = append(e.sessions, x)
	e.running.Go(x.produce)
	return x, x.attach(), nil
}

// resume returns the session that a broken export goes on with.
func (e *exports) resume(id string, r *contractpb.ExportResume) (*exportSession, int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.find(id)
	if x == nil || x.header.GetSnapshotId() != r.GetSnapshotId() {
		return nil, 0, NewError(ReasonSnapshotExpired, "the snapshot of operation %s is no longer kept", id)
	}
	return x, x.attach(), nil
}

func (e *exports) find(id string) *exportSession {
	if i := slices.IndexFunc(e.sessions, func(x *exportSession) bool { return x.id == id }); i >= 0 {
		return e.sessions[i]
	}
	return nil
}

// makeRoom keeps the number of exports within the limit. An export that only waits
// for a resume gives way to a new one, the one that waits longest first. The caller
// holds the lock.
func (e *exports) makeRoom() error {
	for {
		busy, idle := 0, (*exportSession)(nil)
		for _, x := range e.sessions {
			x.mu.Lock()
			attached := x.attached
			x.mu.Unlock()
			if attached {
				busy++
			} else if idle == nil {
				idle = x
			}
		}

		switch {
		case busy >= e.service.options.MaxExports:
			return NewError(ReasonTooManyOperations, "%d exports are under way, which is the limit", busy)
		case len(e.sessions) < 2*e.service.options.MaxExports:
			return nil
		case idle == nil:
			return nil
		}

		e.drop(idle, NewError(ReasonSnapshotExpired, "the export gave way to another one"))
	}
}

// detach is called when a stream ends. A session that may be resumed waits for
// that; one that cannot go on is dropped.
func (e *exports) detach(x *exportSession, stream int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x.mu.Lock()
	if x.stream != stream {
		x.mu.Unlock()
		return
	}
	x.attached = false
	failure, lease := x.err, e.service.options.ExportLease

	if err == nil {
		x.sent = true
		x.recent.free() // whoever missed the end is served from the files
		x.watch.state(contractpb.OperationState_OPERATION_STATE_SUCCEEDED)
	} else {
		x.watch.state(contractpb.OperationState_OPERATION_STATE_SUSPENDED)
	}

	if failure == nil && lease > 0 && x.ctx.Err() == nil {
		x.lease = time.AfterFunc(lease, func() {
			e.expire(x, stream)
		})
		x.mu.Unlock()
		return
	}

	x.mu.Unlock()
	e.drop(x, errors.Join(failure, err))
}

// expire ends the lease that began when the given stream ended.
func (e *exports) expire(x *exportSession, stream int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x.mu.Lock()
	current := x.stream == stream && !x.attached
	x.mu.Unlock()
	if current {
		e.drop(x, NewError(ReasonSnapshotExpired, "the lease of the export ended"))
	}
}

// release drops the session of an operation, if there is one.
func (e *exports) release(id string, cause error) (*contractpb.Operation, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.find(id)
	if x == nil {
		return nil, false
	}
	e.drop(x, cause)
	return x.watch.snapshot(), true
}

// drop forgets a session and frees what it holds as soon as its producer notices.
// The caller holds the lock.
func (e *exports) drop(x *exportSession, cause error) {
	i := slices.Index(e.sessions, x)
	if i < 0 {
		return
	}
	e.sessions = slices.Delete(e.sessions, i, i+1)
	x.mu.Lock()
	if x.lease != nil {
		x.lease.Stop()
	}
	sent := x.sent
	x.mu.Unlock()

	if !sent {
		x.watch.fail(cause)
	}
	if cause == nil {
		cause = context.Canceled
	}
	x.end(cause)
	e.service.ended.add(x.watch.snapshot())
	e.running.Go(func() {
		<-x.produced
		x.closeFiles()
	})
}

// list returns what is known of the sessions.
func (e *exports) list() []*contractpb.Operation {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*contractpb.Operation, 0, len(e.sessions))
	for _, x := range e.sessions {
		list = append(list, x.watch.snapshot())
	}
	return list
}

// close drops everything and waits until no producer runs.
func (e *exports) close() {
	e.mu.Lock()
	for len(e.sessions) > 0 {
		e.drop(e.sessions[0], NewError(ReasonBackendUnavailable, "the application is stopping"))
	}
	e.mu.Unlock()
	e.running.Wait()
}
