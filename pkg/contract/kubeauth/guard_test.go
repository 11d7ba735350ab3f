package kubeauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/pkg/contract"
)

// api answers reviews as a test says, and counts them.
type api struct {
	mu       sync.Mutex
	review   func(*authenticationv1.TokenReview)
	access   func(*authorizationv1.SubjectAccessReview)
	down     bool
	reviews  int
	reviewed []authorizationv1.SubjectAccessReviewSpec
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")

	switch {
	case strings.HasSuffix(r.URL.Path, "/tokenreviews"):
		a.reviews++
		var review authenticationv1.TokenReview
		_ = json.NewDecoder(r.Body).Decode(&review)
		a.review(&review)
		_ = json.NewEncoder(w).Encode(review)
	case strings.HasSuffix(r.URL.Path, "/subjectaccessreviews"):
		var review authorizationv1.SubjectAccessReview
		_ = json.NewDecoder(r.Body).Decode(&review)
		a.reviewed = append(a.reviewed, review.Spec)
		a.access(&review)
		_ = json.NewEncoder(w).Encode(review)
	default:
		http.NotFound(w, r)
	}
}

func backup(audiences ...string) func(*authenticationv1.TokenReview) {
	return func(r *authenticationv1.TokenReview) {
		r.Status = authenticationv1.TokenReviewStatus{Authenticated: true, Audiences: audiences, User: authenticationv1.UserInfo{
			Username: "system:serviceaccount:backup:appbur", UID: "u1", Groups: []string{"system:serviceaccounts"},
			Extra: map[string]authenticationv1.ExtraValue{"k": {"v"}},
		}}
	}
}

func exportsOnly(r *authorizationv1.SubjectAccessReview) {
	r.Status.Allowed = r.Spec.ResourceAttributes.Resource == "exports"
}

func newGuard(t *testing.T, a *api, now func() time.Time) contract.Guard {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	g, err := New(Options{
		Config: &rest.Config{Host: server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}},
		App:    "fleet", Namespace: "fleet-system", Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAnswersOfTheAPIServer(t *testing.T) {
	for name, test := range map[string]struct {
		review     func(*authenticationv1.TokenReview)
		token      contract.Token
		identified bool
	}{
		"our audience":      {review: backup("appbur/fleet"), token: "t", identified: true},
		"several audiences": {review: backup("x", "appbur/fleet"), token: "t", identified: true},
		"no audience":       {review: backup(), token: "t"},
		"another audience":  {review: backup("appbur/orders"), token: "t"},
		"a longer audience": {review: backup("appbur/fleet2"), token: "t"},
		"not authenticated": {
			review: func(r *authenticationv1.TokenReview) { backup("appbur/fleet")(r); r.Status.Authenticated = false },
			token:  "t",
		},
		"nobody": {
			review: func(r *authenticationv1.TokenReview) { backup("appbur/fleet")(r); r.Status.User.Username = "" },
			token:  "t",
		},
		"no token":             {review: backup("appbur/fleet")},
		"something very large": {review: backup("appbur/fleet"), token: contract.Token(strings.Repeat("x", longestToken+1))},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{review: test.review, access: exportsOnly}
			caller, err := newGuard(t, a, time.Now).Identify(t.Context(), contract.Credentials{Token: test.token})
			switch {
			case test.identified && (err != nil || caller.Name != "system:serviceaccount:backup:appbur"):
				t.Errorf("%+v %v", caller, err)
			case !test.identified && !errors.Is(err, contract.ErrNotIdentified):
				t.Errorf("let in or failed: %v", err)
			}

			if err != nil {
				return
			}

			for right, want := range map[contract.Right]bool{contract.RightExport: true, contract.RightImport: false, "other": false} {
				if ok, err := caller.May(t.Context(), right); ok != want || err != nil {
					t.Errorf("%s: %t %v", right, ok, err)
				}
			}

			if len(a.reviewed) != 2 {
				t.Fatalf("reviewed %d times", len(a.reviewed))
			}

			for _, spec := range a.reviewed {
				got := fmt.Sprintf("%s %s %s %v %+v", spec.User, spec.UID, spec.Groups, spec.Extra, *spec.ResourceAttributes)
				for _, part := range []string{
					"system:serviceaccount:backup:appbur u1 [system:serviceaccounts] map[k:[v]]", "Namespace:fleet-system",
					"Verb:create", "Group:appbur.dev", "Name:fleet",
				} {
					if !strings.Contains(got, part) {
						t.Errorf("reviewed %s, without %s", got, part)
					}
				}
			}
		})
	}
}

func TestDeniedIsNotAllowed(t *testing.T) {
	a := &api{
		review: backup("appbur/fleet"),
		access: func(r *authorizationv1.SubjectAccessReview) { r.Status.Allowed, r.Status.Denied = true, true },
	}
	caller, err := newGuard(t, a, time.Now).Identify(t.Context(), contract.Credentials{Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := caller.May(t.Context(), contract.RightExport); ok || err != nil {
		t.Errorf("%t %v", ok, err)
	}
}

func TestAcceptedCallersAreCachedAndRefusalsAreNot(t *testing.T) {
	now := time.Unix(1000, 0)
	a := &api{review: backup("appbur/fleet"), access: exportsOnly}

	g := newGuard(t, a, func() time.Time { return now })
	ask := func(token contract.Token, right contract.Right) (bool, error) {
		caller, err := g.Identify(t.Context(), contract.Credentials{Token: token})
		if err != nil {
			return false, err
		}
		return caller.May(t.Context(), right)
	}

	for range 3 {
		if ok, err := ask("t", contract.RightExport); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}

	if a.reviews != 1 || len(a.reviewed) != 1 {
		t.Errorf("reviewed %d and %d times, want once each", a.reviews, len(a.reviewed))
	}

	for range 2 { // a refusal is reviewed again
		if ok, err := ask("t", contract.RightImport); ok || err != nil {
			t.Fatal(ok, err)
		}
	}

	if len(a.reviewed) != 3 {
		t.Errorf("reviewed %d times, want 3", len(a.reviewed))
	}

	// The API server goes away: what is remembered holds for a minute, nothing else.
	a.down = true
	now = now.Add(59 * time.Second)
	if ok, err := ask("t", contract.RightExport); !ok || err != nil {
		t.Error(ok, err)
	}

	if ok, err := ask("t", contract.RightImport); ok || err == nil {
		t.Error("a right that could not be reviewed was given")
	}
	if _, err := ask("other", contract.RightExport); err == nil || errors.Is(err, contract.ErrNotIdentified) {
		t.Errorf("a token that could not be reviewed: %v", err)
	}
	now = now.Add(time.Second)
	if ok, err := ask("t", contract.RightExport); ok || err == nil || errors.Is(err, contract.ErrNotIdentified) {
		t.Errorf("after a minute: %t %v", ok, err)
	}

	// The right was taken away and the token is good still.
	a.down, a.access = false, func(*authorizationv1.SubjectAccessReview) {}
	if ok, err := ask("t", contract.RightExport); ok || err != nil {
		t.Errorf("a right that was taken away: %t %v", ok, err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	m := newMemory(time.Minute, func() time.Time { return now })

	key := func(i int) (k tokenHash) {
		k[0], k[1] = byte(i), byte(i>>8)
		return k
	}
	for i := range 3 * mostRemembered {
		now = now.Add(time.Microsecond)
		m.remember(key(i), authenticationv1.UserInfo{Username: "u"})
	}

	if len(m.users) > mostRemembered {
		t.Errorf("%d are remembered", len(m.users))
	}
	if _, ok := m.user(key(3*mostRemembered - 1)); !ok {
		t.Error("the last one is forgotten")
	}
	if _, ok := m.user(key(0)); ok {
		t.Error("the first one is not forgotten")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{}, {Config: &rest.Config{}, App: "x"}, {Config: &rest.Config{}, Now: time.Now}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
