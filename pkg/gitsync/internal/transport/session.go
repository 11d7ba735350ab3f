package transport

import (
	"context"
	"errors"
	"io"
	"sync"
)

// The services of a server, as the protocol names them.
const (
	ReceivePack = "git-receive-pack"
	UploadPack  = "git-upload-pack"
)

// conn is one session with a server, over whatever carries it.
type conn interface {
	// read returns what the server says.
	read() io.Reader
	// request sends a request while the server's answer can be read, and returns the
	// reader of it. It is called once.
	request(send func(io.Writer) error) (io.Reader, error)
	// said is what the server said beside the protocol. It is complete after end.
	said() string
	// end ends the session.
	end()
}

// Session is a transport after the server has introduced itself.
type Session struct {
	conn
	Advertisement
	ctx  context.Context
	dog  *watchdog
	stop func()
	// namespace is what of the remote this session is about.
	namespace Namespace
	// words are what the server says for people within the protocol.
	words tail
}

// messages is all that the server said for people.
func (t *Session) messages() string {
	if t.conn == nil {
		return t.words.String()
	}
	return t.words.String() + "\n" + t.said()
}

// Dial opens a session with a remote's service.
func Dial(ctx context.Context, remote Remote, service string, o Options) (_ *Session, err error) {
	if remote.URL.Plaintext() && !remote.AllowPlaintext {
		return nil, misconfigured(ErrPlaintext, "use https:// or ssh")
	}
	ctx, dog, stop := watch(ctx, o.silence())
	t := &Session{ctx: ctx, dog: dog, stop: stop, namespace: remote.URL.namespace}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	http := false

	switch remote.URL.scheme {
	case "https", "http":
		t.conn, err = dialHTTP(ctx, remote, service, o, dog)
		http = true
	case "ssh":
		t.conn, err = dialSSH(ctx, remote, service, o, dog)
	case "file":
		t.conn, err = runGit(ctx, remote.URL.path, service, o, dog)
	default:
		return nil, misconfigured(ErrURL, "use a URL that was parsed")
	}

	if err != nil {
		return nil, failed(ctx, err, "")
	}
	if t.Advertisement, err = readAdvertisement(t.read(), service, http, t.namespace); err != nil {
		return nil, t.Failed(err)
	}
	return t, nil
}

// Failed ends the session, so that all that the server said is known, and finds the
// state for what went wrong.
func (t *Session) Failed(err error) error {
	if err == nil {
		return nil
	}
	cause := context.Cause(t.ctx)
	t.Close()
	if cause == nil {
		return failed(context.Background(), noAnswer(err), t.messages())
	}
	return failed(t.ctx, err, t.messages())
}

// noAnswer tells a peer that is no Git server from one that was cut off.
func noAnswer(err error) error {
	if errors.Is(err, ErrNoPacket) {
		return NewError(NotGit, "", err)
	}
	return err
}

// Close ends the session. It may be called more than once.
func (t *Session) Close() {
	if t.conn != nil {
		t.end()
	}
	t.stop()
}

// Pause stops the watch for silence while it is this side that works.
func (t *Session) Pause() { t.dog.rest() }

// Resume watches for silence again.
func (t *Session) Resume() { t.dog.touch() }

// tail keeps the end of what is written to it. It is safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	data []byte
}

// Write implements [io.Writer].
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, b...)
	if over := len(t.data) - 2*maxSaid; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(b), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data)
}

// pipe is a transport over a pair of streams to a program, here or beyond SSH.
type pipe struct {
	in     io.WriteCloser
	out    io.Reader
	errors *tail
	// finish waits for the program, or ends it.
	finish func()

	once   sync.Once
	closer sync.Once
	asked  bool
}

// closeIn closes the stream to the peer, once: an SSH channel is not safe to close
// from two sides.
func (p *pipe) closeIn() {
	p.closer.Do(func() { _ = p.in.Close() })
}

func (p *pipe) read() io.Reader { return p.out }

// request implements [conn].
func (p *pipe) request(send func(io.Writer) error) (io.Reader, error) {
	p.asked = true
	go func() {
		// Why sending failed is the sender's to keep: the answer says what the peer
		// made of it. The stream is closed in any case, so that the peer does not go on
		// waiting.
		_ = send(p.in)
		p.closeIn()
	}()
	return p.out, nil
}

func (p *pipe) said() string { return p.errors.String() }

// end implements [conn].
func (p *pipe) end() {
	p.once.Do(func() {
		if !p.asked {
			// Nothing is asked: a flush is a polite good-bye.
			_ = writeFlush(p.in)
		}
		p.closeIn()
		p.finish()
	})
}
