package restore

import (
	"regexp"
	"sync"
)

// A webhook that does not answer is waited for, because its backend may be starting. It is waited for
// once: where it guards thousands of objects, half a minute for each would keep what it needs to start
// from being restored at all.

// laterAttempts is how often a request is tried that a webhook fails which was given up before.
const laterAttempts = 2

// silentWebhooks are those that were given up in this run.
type silentWebhooks struct {
	// looking is true for who only looks: nothing is started meanwhile that would answer.
	looking bool

	mu    sync.Mutex
	known map[string]bool
}

// called is how API servers name the webhook that they could not reach (k8s.io/apiserver,
// pkg/admission/plugin/webhook/errors; k8s.io/apiextensions-apiserver, pkg/apiserver/conversion).
var called = regexp.MustCompile(`failed calling webhook "[^"]*"|conversion webhook for [^:]* failed`)

// calling is how an error names an admission webhook.
func calling(name string) string { return `failed calling webhook "` + name + `"` }

func webhookIn(err error) string { return called.FindString(err.Error()) }

// attempts is how often a request with this error is tried.
func (s *silentWebhooks) attempts(err error) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := webhookIn(err)
	if s.known[name] || s.looking && name != "" {
		return laterAttempts
	}
	return maxAttempts
}

// giveUp notes that the webhook in the error, if there is one, did not answer for long.
func (s *silentWebhooks) giveUp(err error) {
	name := webhookIn(err)
	if name == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = make(map[string]bool)
	}
	s.known[name] = true
}
