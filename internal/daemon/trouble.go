package daemon

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/appbur/appbur"
)

const (
	// troubleQuiet is how long nothing must fail or come back before it is logged, and
	// troubleLimit how long it waits at most: what makes one type fail makes most fail.
	troubleQuiet = 3 * time.Second
	troubleLimit = 30 * time.Second
	// troubleNames is how many types one line names.
	troubleNames = 5
)

// trouble gathers what cannot be read, and what can be read again, and logs each
// cause in one line.
type trouble struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	causes []*cause
	back   []string
	first  time.Time
	timer  *time.Timer
}

// cause is why some types fail.
type cause struct {
	words  string
	reason string // of the first
	names  []string
}

// fails takes note of something that cannot be read. A reason begins with the cause.
func (t *trouble) fails(name, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.wait()
	words, _, _ := strings.Cut(reason, ": ")
	t.back = slices.DeleteFunc(t.back, func(n string) bool { return n == name })
	for _, c := range t.causes {
		if c.words == words {
			if !slices.Contains(c.names, name) {
				c.names = append(c.names, name)
			}
			return
		}
	}
	t.causes = append(t.causes, &cause{words, reason, []string{name}})
}

// works takes note of something that failed before and can be read now.
func (t *trouble) works(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.wait()
	if !slices.Contains(t.back, name) {
		t.back = append(t.back, name)
	}
}

// wait logs later, because more may follow.
func (t *trouble) wait() {
	if t.timer == nil {
		t.first = t.now()
		t.timer = time.AfterFunc(troubleQuiet, t.report)
		return
	}
	t.timer.Reset(max(0, min(troubleQuiet, troubleLimit-t.now().Sub(t.first))))
}

// report logs what was gathered.
func (t *trouble) report() {
	t.mu.Lock()
	defer t.mu.Unlock()

	for _, c := range t.causes {
		if len(c.names) == 1 {
			t.log.Warn("a type cannot be read; its files stay as they are", "type", c.names[0], "reason", c.reason)
			continue
		}
		t.log.Warn("types cannot be read; their files stay as they are", "count", len(c.names), "types", some(c.names), "reason", c.reason)
	}

	switch {
	case len(t.back) == 1:
		t.log.Info("a type can be read again", "type", t.back[0])
	case len(t.back) > 1:
		t.log.Info("types can be read again", "count", len(t.back), "types", some(t.back))
	}

	if t.timer != nil {
		t.timer.Stop()
	}
	t.causes, t.back, t.timer = nil, nil, nil
}

// some names the first of a list and counts the others.
func some(names []string) string {
	slices.Sort(names)
	return appbur.Shortlist(names, troubleNames)
}
