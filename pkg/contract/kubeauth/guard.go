package kubeauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authentication "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorization "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/pkg/contract"
)

// Group is the API group of the virtual resources that represent the rights.
const Group = "appbur.dev"

// resources are the virtual resources; no API server serves them, it only answers
// who may create them.
var resources = map[contract.Right]string{
	contract.RightExport: "exports",
	contract.RightImport: "imports",
}

const (
	// longestMemory is how long an answer may be remembered.
	longestMemory = time.Minute
	// askTimeout bounds one question to the API server.
	askTimeout = 10 * time.Second
	// longestToken is more than any ServiceAccount token; longer ones are not sent on.
	longestToken = 16 << 10
)

// Options say which API server to use, and for which application.
type Options struct {
	// Config reaches the API server, usually rest.InClusterConfig.
	Config *rest.Config
	// App is the application's id, contract.Options.ID.
	App string
	// Namespace is where callers need their rights. Empty means that they need them
	// in the complete cluster.
	Namespace string
	// Memory is how long an answer that accepted a caller is cached, at most a
	// minute. Zero means a minute, a negative value that nothing is remembered.
	Memory time.Duration
	// Now is the clock, usually time.Now.
	Now func() time.Time
}

// Audience is what tokens for an application must be issued for.
func Audience(app string) string { return "appbur/" + app }

// New makes a guard that uses the API server. It sends no request yet.
func New(o Options) (contract.Guard, error) {
	switch {
	case o.Config == nil || o.Now == nil || o.App == "":
		return nil, errors.New("checking ServiceAccount tokens needs Config, App and Now")
	case o.Memory == 0 || o.Memory > longestMemory:
		o.Memory = longestMemory
	}
	who, err := authentication.NewForConfig(o.Config)
	if err != nil {
		return nil, fmt.Errorf("checking ServiceAccount tokens: %w", err)
	}
	what, err := authorization.NewForConfig(o.Config)
	if err != nil {
		return nil, fmt.Errorf("checking ServiceAccount tokens: %w", err)
	}
	return &guard{
		options: o, tokens: who.TokenReviews(), access: what.SubjectAccessReviews(),
		memory: newMemory(o.Memory, o.Now),
	}, nil
}

type guard struct {
	options Options
	tokens  authentication.TokenReviewInterface
	access  authorization.SubjectAccessReviewInterface
	memory  *memory
}

// Identify implements [contract.Guard].
func (g *guard) Identify(ctx context.Context, c contract.Credentials) (contract.Caller, error) {
	if c.Token == "" || len(c.Token) > longestToken {
		return contract.Caller{}, contract.ErrNotIdentified
	}
	key := sha256.Sum256([]byte(c.Token))
	user, known := g.memory.user(key)
	if !known {
		var err error
		if user, err = g.review(ctx, c.Token); err != nil {
			return contract.Caller{}, err
		}
		g.memory.remember(key, user)
	}
	return contract.Caller{Name: user.Username, May: func(ctx context.Context, right contract.Right) (bool, error) {
		return g.may(ctx, key, user, right)
	}}, nil
}

// review has the API server authenticate the token.
func (g *guard) review(ctx context.Context, token contract.Token) (authenticationv1.UserInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	audience := Audience(g.options.App)
	answer, err := g.tokens.Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: string(token), Audiences: []string{audience}},
	}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return authenticationv1.UserInfo{}, fmt.Errorf("authenticating the token by TokenReview: %w", err)
	case !answer.Status.Authenticated:
		return authenticationv1.UserInfo{}, contract.ErrNotIdentified
	case !slices.Contains(answer.Status.Audiences, audience):
		return authenticationv1.UserInfo{}, fmt.Errorf("%w: the API server did not check that the token is for %s", contract.ErrNotIdentified,
			audience)
	case answer.Status.User.Username == "":
		return authenticationv1.UserInfo{}, fmt.Errorf("%w: the API server named no user", contract.ErrNotIdentified)
	}
	return answer.Status.User, nil
}

// may reports whether a user has a right.
func (g *guard) may(ctx context.Context, key tokenHash, user authenticationv1.UserInfo, right contract.Right) (bool, error) {
	resource, ok := resources[right]
	if !ok {
		return false, nil
	}
	if g.memory.allowed(key, right) {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for name, values := range user.Extra {
		extra[name] = authorizationv1.ExtraValue(values)
	}

	answer, err := g.access.Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Group: Group, Resource: resource, Verb: "create", Namespace: g.options.Namespace, Name: g.options.App,
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("checking the rights of %s by SubjectAccessReview: %w", user.Username, err)
	}
	if !answer.Status.Allowed || answer.Status.Denied {
		return false, nil
	}
	g.memory.allow(key, right)
	return true, nil
}
