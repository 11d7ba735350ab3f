package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/settings"
)

// reloader keeps up with a configuration that changes while run goes by it. The file is read as a whole, at intervals
// and after a signal: the content is what counts, because a volume of Kubernetes changes by the swap of a symbolic link,
// which is no event of the file. What is wrong changes nothing.
type reloader struct {
	file  string
	read  func() ([]byte, error)
	parse func([]byte) (settings.Document[configuration.Configuration], error)
	// apply takes those settings that take effect at once.
	apply func(configuration.Configuration)
	log   *slog.Logger

	// current is in force, but for what waits for a restart; seen is the text that was judged last.
	current configuration.Configuration
	seen    []byte
	// fresh is a text that is not judged before it is there twice in succession: it may be half written.
	fresh []byte
	// unreadable is why the file could not be read when it was last looked at.
	unreadable string
}

// run looks until ctx ends.
func (r *reloader) run(ctx context.Context, hangups <-chan os.Signal, ticker func(time.Duration) (<-chan time.Time, func())) {
	for ctx.Err() == nil {
		every := r.current.Reload.Every
		var ticks <-chan time.Time
		stop := func() {}
		if ticker != nil && every > 0 {
			ticks, stop = ticker(every)
		}
		for ctx.Err() == nil && r.current.Reload.Every == every {
			select {
			case <-ctx.Done():
			case <-ticks:
				r.look(false)
			case <-hangups:
				r.look(true)
			}
		}
		stop()
	}
}

// look reads the file and takes what is new. Who asked is told as well that nothing is.
func (r *reloader) look(asked bool) {
	const kept = "; the settings before stay in force"
	data, err := r.read()
	if err != nil {
		if asked || err.Error() != r.unreadable {
			r.log.Error("the configuration cannot be read"+kept, "file", r.file, "reason", err.Error(), "hint", hintOf(err))
		}
		r.unreadable = err.Error()
		return
	}
	r.unreadable = ""
	if !asked && !r.complete(data) {
		return
	}
	r.seen, r.fresh = data, nil

	document, err := r.parse(data)
	var wrong *settings.Error
	if errors.As(err, &wrong) {
		for _, f := range wrong.Faults {
			r.log.Error("the configuration is refused"+kept, "reason", faultText(r.file, f), "hint", hintOfFault(f))
		}
		return
	}
	if err != nil {
		r.log.Error("the configuration is refused"+kept, "file", r.file, "reason", err.Error(), "hint", hintOf(err))
		return
	}
	r.take(document)
}

// complete reports whether a text is another one than before, and has been there long enough to be whole: half of a file
// is often a good configuration that says less.
func (r *reloader) complete(data []byte) bool {
	if bytes.Equal(data, r.seen) {
		r.fresh = nil
		return false
	}
	if r.fresh == nil || !bytes.Equal(data, r.fresh) {
		r.fresh = data
		return false
	}
	return true
}

// take tells what has changed, and applies what takes effect at once.
func (r *reloader) take(document settings.Document[configuration.Configuration]) {
	before := r.current
	changes := configuration.Changed(before, document.Value)
	r.log.Info("the configuration was read again", "file", r.file, "changes", len(changes))
	r.current = document.Value
	r.apply(document.Value)

	effects := map[string]settings.Effect{}
	for _, f := range configuration.Table.Fields() {
		effects[f.Path] = f.Effect
	}
	for _, c := range changes {
		line := []any{
			"setting", c.Path, "before", c.Before, "now", c.After, "from", sourceText(r.file, document.Source(c.Path)),
			"takesEffect", string(effects[c.Path]),
		}
		if effects[c.Path] == settings.Restart {
			r.log.Warn("a setting has changed that takes effect after a restart", line...)
			continue
		}
		r.log.Info("a setting has changed", line...)
	}
	warnOfGuards(r.log, document)
}

// sourceText says where the value of a setting comes from.
func sourceText(file string, s settings.Source) string {
	switch {
	case s.From != "":
		return s.From
	case s.Line > 0:
		return fmt.Sprintf("%s:%d", file, s.Line)
	}
	return "default"
}

// warnOfGuards tells that a guard is off for as long as a file says so.
func warnOfGuards(log *slog.Logger, document settings.Document[configuration.Configuration]) {
	guards := document.Value.Guards
	for _, g := range []struct {
		path string
		off  bool
	}{
		{"guards.adoptCluster", guards.AdoptCluster},
		{"guards.acceptHistory", guards.AcceptHistory},
		{"guards.allowCollapse", guards.AllowCollapse},
	} {
		if g.off && document.Source(g.path).Line > 0 {
			log.Warn("a guard is off for every commit", "setting", g.path, "hint", "take the line out when the commit that needs it is made")
		}
	}
}
