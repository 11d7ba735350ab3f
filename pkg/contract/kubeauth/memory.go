package kubeauth

import (
	"crypto/sha256"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/appbur/appbur/pkg/contract"
)

// tokenHash identifies a token, which itself is not kept.
type tokenHash = [sha256.Size]byte

// mostRemembered is how many tokens are remembered. Backups have few callers; a
// stranger cannot fill it, since refusals are not remembered.
const mostRemembered = 1024

// memory caches answers that accepted a caller, for a short while.
type memory struct {
	lasts time.Duration
	now   func() time.Time

	mu    sync.Mutex
	users map[tokenHash]*remembered
}

// remembered is what is known of the holder of a token.
type remembered struct {
	user  authenticationv1.UserInfo
	until time.Time
	// rights says until when each right is taken for granted.
	rights map[contract.Right]time.Time
}

func newMemory(lasts time.Duration, now func() time.Time) *memory {
	return &memory{lasts: lasts, now: now, users: map[tokenHash]*remembered{}}
}

func (m *memory) user(key tokenHash) (authenticationv1.UserInfo, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.find(key)
	if r == nil {
		return authenticationv1.UserInfo{}, false
	}
	return r.user, true
}

// find returns what is still remembered. The caller holds the lock.
func (m *memory) find(key tokenHash) *remembered {
	r := m.users[key]
	if r == nil || !m.now().Before(r.until) {
		delete(m.users, key)
		return nil
	}
	return r
}

func (m *memory) remember(key tokenHash, user authenticationv1.UserInfo) {
	if m.lasts <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.users) >= mostRemembered {
		m.makeRoom()
	}
	m.users[key] = &remembered{user: user, until: m.now().Add(m.lasts), rights: map[contract.Right]time.Time{}}
}

// makeRoom forgets what is too old, or else what will be first. The caller holds
// the lock.
func (m *memory) makeRoom() {
	now := m.now()
	var first tokenHash
	var soonest time.Time
	for key, r := range m.users {
		if !now.Before(r.until) {
			delete(m.users, key)
			continue
		}
		if soonest.IsZero() || r.until.Before(soonest) {
			first, soonest = key, r.until
		}
	}
	if len(m.users) >= mostRemembered {
		delete(m.users, first)
	}
}

func (m *memory) allowed(key tokenHash, right contract.Right) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.find(key)
	return r != nil && m.now().Before(r.rights[right])
}

// allow remembers a right for as long as a new answer may be remembered.
func (m *memory) allow(key tokenHash, right contract.Right) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.find(key); r != nil {
		r.rights[right] = m.now().Add(m.lasts)
	}
}
