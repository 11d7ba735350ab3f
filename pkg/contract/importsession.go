package contract

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// importSession is one import. Its streams come and go: until the commit the bytes
// that arrived wait for the next one; after it the import goes on without any.
type importSession struct {
	*importing
	service *service
	ctx     context.Context
	end     context.CancelCauseFunc
	watch   *operationWatch
	// done is closed when result or err is final.
	done chan struct{}
	err  error

	mu sync.Mutex
	// stream counts the streams so far; the last one is served while attached.
	stream   int
	attached bool
	applying bool
	// received is when the last message of the served stream came; displaced is closed when it
	// has to give way.
	received  time.Time
	displaced chan struct{}
	// committing is set at the last moment at which the import can be cancelled.
	committing bool
	lease      *time.Timer
}

// imports are the imports of one server that have not ended. One of them at most
// has a stream or is applied; the others wait for theirs. A stream on which nothing
// comes gives way to the next import.
type imports struct {
	service *service

	mu       sync.Mutex
	sessions []*importSession // oldest first
	running  sync.WaitGroup   // imports that are applied
}

// keptImports is how many broken imports wait for their next stream.
const keptImports = 4

// open returns the session of an import and makes the caller its stream, or the
// stored result of an import that ended before.
func (i *imports) open(ctx context.Context, m *importing) (*importSession, int, *contractpb.ImportResult, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	result, err := i.service.operations.find(m.id, m.manifest, m.dryRun)
	if result != nil || err != nil {
		return nil, 0, result, err
	}
	x := i.find(m.id)
	if x != nil && (x.manifest != m.manifest || x.dryRun != m.dryRun) {
		return nil, 0, nil, NewError(ReasonOperationConflict, "operation %s is another import", m.id)
	}

	for _, other := range i.sessions {
		if other != x && other.busy() && !i.displace(other) {
			return nil, 0, nil, NewError(ReasonOperationInProgress, "another import is running").With("operation", other.id)
		}
	}

	if x == nil {
		for len(i.sessions) >= keptImports {
			i.drop(i.sessions[0], NewError(ReasonOperationCancelled, "the import gave way to another one"))
		}
		if x, err = i.service.newImportSession(ctx, m); err != nil {
			return nil, 0, nil, err
		}
		i.sessions = append(i.sessions, x)
	}

	return x, x.attach(), nil, nil
}

// displace takes the turn from an import whose stream has said nothing for
// Options.ImportIdle, and reports whether it did. What arrived waits for its next
// stream, as after a stream that broke. The caller holds the lock.
func (i *imports) displace(x *importSession) bool {
	x.mu.Lock()
	silent := i.service.options.Now().Sub(x.received)
	idle := i.service.options.ImportIdle
	if x.applying || !x.attached || idle < 0 || silent < idle {
		x.mu.Unlock()
		return false
	}
	x.stream++ // what the old stream still says is not taken
	x.attached = false
	close(x.displaced)
	kept := i.wait(x)
	x.mu.Unlock()

	i.service.options.Log.WarnContext(x.ctx, "an import on whose stream nothing came gave way to another one", "operation", x.id, "silent",
		silent)
	if !kept {
		i.drop(x, errDisplaced)
	}
	return true
}

// errDisplaced ends a stream that is not served any more.
var errDisplaced = NewError(ReasonOperationInProgress,
	"the stream gave way to another one: nothing came on it for long, or its caller came back")

// gaveWay is closed when the given stream is not served any more.
func (x *importSession) gaveWay(stream int) <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stream == stream {
		return x.displaced
	}
	gone := make(chan struct{})
	close(gone)
	return gone
}

// wait keeps the bytes of an import for its next stream, and reports whether it does.
// The caller holds both locks.
func (i *imports) wait(x *importSession) bool {
	lease, stream := i.service.options.ImportLease, x.stream
	if lease <= 0 || x.ctx.Err() != nil {
		return false
	}
	x.watch.state(contractpb.OperationState_OPERATION_STATE_SUSPENDED)
	x.lease = time.AfterFunc(lease, func() { i.expire(x, stream) })
	return true
}

func (i *imports) find(id string) *importSession {
	if n := slices.IndexFunc(i.sessions, func(x *importSession) bool { return x.id == id }); n >= 0 {
		return i.sessions[n]
	}
	return nil
}

func (s *service) newImportSession(ctx context.Context, m *importing) (*importSession, error) {
	x := &importSession{
		importing: m, service: s, done: make(chan struct{}),
		watch: newOperationWatch(m.id, contractpb.OperationKind_OPERATION_KIND_IMPORT, s.options.Now),
	}
	for _, p := range m.parts {
		var err error
		if p.spool, err = newSpool(s.options.SpoolDir, p.definition, p.chain, p.announced); err != nil {
			m.close()
			return nil, err
		}
	}
	x.watch.at(contractpb.Phase_PHASE_RECEIVING, "")
	x.ctx, x.end = context.WithCancelCause(context.WithoutCancel(ctx))
	return x, nil
}

func (x *importSession) busy() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.attached || x.applying
}

func (x *importSession) attach() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lease != nil {
		x.lease.Stop()
	}
	if x.attached {
		close(x.displaced) // the same caller came back before the old stream was seen to break
	}
	x.stream++
	x.attached, x.received, x.displaced = true, x.service.options.Now(), make(chan struct{})
	x.watch.state(contractpb.OperationState_OPERATION_STATE_RUNNING)
	return x.stream
}

// state is the answer to open.
func (x *importSession) state() *contractpb.ImportState {
	x.mu.Lock()
	defer x.mu.Unlock()
	state := &contractpb.ImportState{Phase: contractpb.Phase_PHASE_RECEIVING}
	if x.applying {
		state.Phase = contractpb.Phase_PHASE_APPLYING
	}
	for _, p := range x.parts {
		state.Datasets = append(state.Datasets, &contractpb.ImportAck{Dataset: p.definition.Name, Offset: uint64(p.received)})
	}
	return state
}

// turn runs fn if the stream is still the one that is served.
func (x *importSession) turn(stream int, fn func() error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.stream != stream:
		return NewError(ReasonOperationInProgress, "another call went on with this import")
	case x.ctx.Err() != nil:
		return context.Cause(x.ctx)
	}
	x.received = x.service.options.Now()
	return fn()
}

// detach is called when a stream ended before its commit. The bytes that arrived
// wait for the next stream; after an error of the payload there is nothing to wait
// for.
func (i *imports) detach(x *importSession, stream int, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	x.mu.Lock()
	if x.stream != stream || x.applying {
		if x.stream == stream {
			x.attached = false
		}
		x.mu.Unlock()
		return
	}
	x.attached = false
	kept := broken(err) && i.wait(x)
	x.mu.Unlock()
	if !kept {
		i.drop(x, err)
	}
}

func (i *imports) expire(x *importSession, stream int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	x.mu.Lock()
	current := x.stream == stream && !x.attached && !x.applying
	x.mu.Unlock()
	if current {
		i.drop(x, NewError(ReasonOperationCancelled, "the lease of the import ended"))
	}
}

// drop forgets a session that is not applied. The caller holds the lock.
func (i *imports) drop(x *importSession, cause error) {
	n := slices.Index(i.sessions, x)
	if n < 0 {
		return
	}
	i.sessions = slices.Delete(i.sessions, n, n+1)
	x.mu.Lock()
	if x.lease != nil {
		x.lease.Stop()
	}
	x.mu.Unlock()
	x.end(cause)
	x.err = cause
	x.watch.fail(cause)
	x.close()
	close(x.done)
	i.service.ended.add(x.watch.snapshot())
}

// start applies an import whose bytes are all there, once, if the stream is still the
// one that is served.
func (i *imports) start(x *importSession, stream int) error {
	again := false
	err := x.turn(stream, func() error {
		again, x.applying = x.applying, true
		return nil
	})
	if err != nil || again {
		return err
	}

	i.running.Go(func() {
		err := i.service.apply(x)
		i.mu.Lock()
		defer i.mu.Unlock()
		if n := slices.Index(i.sessions, x); n >= 0 {
			i.sessions = slices.Delete(i.sessions, n, n+1)
		}
		if err == nil {
			x.at = i.service.options.Now()
			i.service.operations.add(x.ctx, x.operation)
			x.watch.succeed(proto.CloneOf(x.result))
			countImport(i.service.options.Metrics, x.result, x.at)
		} else {
			x.err = err
			x.watch.fail(err)
		}
		i.service.ended.add(x.watch.snapshot())
		x.close()
		x.end(nil)
		close(x.done)
	})

	return nil
}

// cancel ends an import before its commit point.
func (i *imports) cancel(id string) (*contractpb.Operation, bool, error) {
	i.mu.Lock()
	x := i.find(id)
	if x == nil {
		i.mu.Unlock()
		return nil, false, nil
	}
	cause := NewError(ReasonOperationCancelled, "the import was cancelled")
	x.mu.Lock()
	applying, committing := x.applying, x.committing
	if applying && !committing {
		x.end(cause)
	}
	x.mu.Unlock()

	switch {
	case committing:
		i.mu.Unlock()
		return nil, true, NewError(ReasonAlreadyCommitted, "import %s passed its commit point", id)
	case !applying:
		i.drop(x, cause)
	}

	i.mu.Unlock()
	// The transaction is rolled back when this returns.
	<-x.done
	return x.watch.snapshot(), true, nil
}

// commitPoint closes the door for cancelling and reports whether it was still open.
func (x *importSession) commitPoint() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := context.Cause(x.ctx); err != nil {
		return err
	}
	x.committing = true
	return nil
}

func (i *imports) list() []*contractpb.Operation {
	i.mu.Lock()
	defer i.mu.Unlock()
	list := make([]*contractpb.Operation, 0, len(i.sessions))
	for _, x := range i.sessions {
		list = append(list, x.watch.snapshot())
	}
	return list
}

// close cancels what can be cancelled and waits until nothing is applied.
func (i *imports) close() {
	i.mu.Lock()
	for _, x := range slices.Clone(i.sessions) {
		x.mu.Lock()
		applying := x.applying
		x.mu.Unlock()
		cause := NewError(ReasonBackendUnavailable, "the application is stopping")
		if applying {
			x.end(cause)
		} else {
			i.drop(x, cause)
		}
	}
	i.mu.Unlock()
	i.running.Wait()
}

// operation is one finished import.
type operation struct {
	id       string
	manifest appbur.Digest
	dryRun   bool
	at       time.Time // when it ended
	result   *contractpb.ImportResult
}
