package restore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
)

// ErrNotServed is the error of a request for a kind that the target does not serve.
var ErrNotServed = errors.New("the target does not serve the kind")

const (
	// The server leaves spec and status out of these answers: a restore wants uid
	// and resource version of a 900 KB object, not the object.
	acceptMetadata     = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
	acceptMetadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

	existingPage = 500
	// objectPage is smaller, because a server answers with whole objects.
	objectPage = 250

	// requestTimeout is longer than the minute after which an API server gives a request up, so
	// that only what is between hangs for so long: a proxy, or a connection that nobody reads.
	requestTimeout = 90 * time.Second
)

// kubeCluster is a [Cluster] behind a real API server.
type kubeCluster struct {
	client *rest.RESTClient

	mu        sync.Mutex
	resources map[schema.GroupVersion]map[string]metav1.APIResource // by kind
}

var _ Cluster = (*kubeCluster)(nil)

// NewCluster returns the cluster behind cfg. Client-side rate limits of cfg are
// replaced by those of [Apply], which follow what the server says.
func NewCluster(cfg *rest.Config) (Cluster, error) {
	own := rest.CopyConfig(cfg)
	own.QPS, own.RateLimiter = -1, nil
	if own.Timeout == 0 {
		own.Timeout = requestTimeout
	}
	own.WarningHandler = rest.NoWarnings{}
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	own.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	own.GroupVersion = &schema.GroupVersion{}
	own.ContentType = runtime.ContentTypeJSON
	own.AcceptContentTypes = runtime.ContentTypeJSON
	client, err := rest.UnversionedRESTClientFor(own)
	if err != nil {
		return nil, fmt.Errorf("connecting to the target: %w", err)
	}
	return &kubeCluster{client: client, resources: make(map[schema.GroupVersion]map[string]metav1.APIResource)}, nil
}

// Serves implements [Cluster].
func (c *kubeCluster) Serves(ctx context.Context, apiVersion, kind string) (bool, error) {
	_, err := c.resource(ctx, apiVersion, kind)
	if errors.Is(err, ErrNotServed) {
		return false, nil
	}
	return err == nil, err
}

// Existing implements [Cluster].
func (c *kubeCluster) Existing(ctx context.Context, apiVersion, kind string) (map[appbur.ObjectID]Identity, error) {
	resource, err := c.resource(ctx, apiVersion, kind)
	if errors.Is(err, ErrNotServed) {
		return map[appbur.ObjectID]Identity{}, nil
	}
	if err != nil {
		return nil, err
	}
	found := make(map[appbur.ObjectID]Identity)
	group, namespace := groupOf(apiVersion), "" // the ids of a namespace share its name, and come together
	token, restarts := "", 0

	for {
		request := c.client.Get().AbsPath(apiRoot(apiVersion)...).Resource(resource.Name).MaxRetries(0).
			SetHeader("Accept", acceptMetadataList).Param("limit", fmt.Sprint(existingPage))
		if token != "" {
			request.Param("continue", token)
		}
		var page struct {
			Metadata struct {
				Continue string `json:"continue"`
			} `json:"metadata"`
			Items []liveObject `json:"items"`
		}
		if err := do(ctx, request, nil, &page); err != nil {
			if (apierrors.IsResourceExpired(err) || apierrors.IsGone(err)) && token != "" && restarts < mostListRestarts {
				token, restarts = "", restarts+1 // the list grew too old between two pages: start again
				clear(found)
				continue
			}
			return nil, fmt.Errorf("listing %s: %w", resource.Name, unlisted(err))
		}
		for _, item := range page.Items {
			if item.Metadata.Namespace != namespace {
				namespace = item.Metadata.Namespace
			}
			found[appbur.ObjectID{Group: group, Kind: kind, Namespace: namespace, Name: item.Metadata.Name}] = item.identity()
		}
		switch next := page.Metadata.Continue; next {
		case "":
			return found, nil
		case token:
			return nil, fmt.Errorf("listing %s: %w", resource.Name, errListStands)
		default:
			token = next
		}
	}
}

// Page implements [Cluster]. Objects are decoded one by one, because 250 of them may be 250 MB.
func (c *kubeCluster) Page(
	ctx context.Context, apiVersion, kind, namespace, token string, visit func(map[string]any),
) (string, error) {
	resource, err := c.resource(ctx, apiVersion, kind)
	if err != nil {
		return "", err
	}
	request := c.client.Get().AbsPath(apiRoot(apiVersion)...).NamespaceIfScoped(namespace, resource.Namespaced && namespace != "").
		Resource(resource.Name).MaxRetries(0).Param("limit", fmt.Sprint(objectPage))
	if token != "" {
		request.Param("continue", token)
	}
	stream, err := request.Stream(ctx)
	if err != nil {
		return "", fmt.Errorf("listing %s: %w", resource.Name, unlisted(err))
	}
	defer func() { _ = stream.Close() }()

	next, err := eachItem(stream, func(object map[string]any) {
		// A list says once for all of its items what they are.
		object["apiVersion"], object["kind"] = apiVersion, kind
		visit(object)
	})
	if err != nil {
		return "", fmt.Errorf("listing %s: %w", resource.Name, err)
	}
	return next, nil
}

// mostListRestarts bounds how often a list begins again because the server forgot it
// half-way: a server whose continue tokens always expire too early is reported, not retried for ever.
const mostListRestarts = 3

// errListStands is a list that could never end.
var errListStands = errors.New("the server's list continues where it already was")

// Get implements [Cluster].
func (c *kubeCluster) Get(ctx context.Context, id appbur.ObjectID, apiVersion string) (map[string]any, error) {
	resource, err := c.resource(ctx, apiVersion, id.Kind)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	request := c.client.Get().AbsPath(apiRoot(apiVersion)...).NamespaceIfScoped(id.Namespace, resource.Namespaced).
		Resource(resource.Name).Name(id.Name).MaxRetries(0)
	if err := do(ctx, request, nil, &object); err != nil {
		return nil, err
	}
	return object, nil
}

// Apply implements [Cluster].
func (c *kubeCluster) Apply(ctx context.Context, r Request) (Applied, error) {
	resource, err := c.resource(ctx, r.APIVersion, r.Object.Kind)
	if err != nil {
		return Applied{}, err
	}
	body, err := applyBody(r.Content)
	if err != nil {
		return Applied{}, err
	}
	request := c.writeRequest(r).AbsPath(apiRoot(r.APIVersion)...).
		NamespaceIfScoped(r.Object.Namespace, resource.Namespaced).Resource(resource.Name).
		MaxRetries(0).Param("fieldManager", FieldManager)
	if r.By != ByCreate {
		request.Name(r.Object.Name)
	}

	if r.Status {
		request.SubResource("status")
	}
	if r.By == ByCreate || r.By == ByUpdate {
		request.SetHeader("Content-Type", runtime.ContentTypeJSON)
	}
	request.Body(body)

	if r.DryRun {
		request.Param("dryRun", metav1.DryRunAll)
	}
	var code int
	if r.DryRun || r.Full {
		var answer map[string]any
		if err := do(ctx, request, &code, &answer); err != nil {
			return Applied{}, err
		}
		return Applied{Identity: identityOf(answer), Created: code == http.StatusCreated, Object: answer}, nil
	}
	var live liveObject
	if err := do(ctx, request.SetHeader("Accept", acceptMetadata), &code, &live); err != nil {
		return Applied{}, err
	}
	return Applied{Identity: live.identity(), Created: code == http.StatusCreated, Managed: live.Metadata.ManagedFields}, nil
}

// writeRequest begins a request that writes in the way that r says.
func (c *kubeCluster) writeRequest(r Request) *rest.Request {
	switch r.By {
	case ByCreate:
		return c.client.Post().Param("fieldValidation", metav1.FieldValidationStrict)
	case ByUpdate:
		return c.client.Put()
	case ByMerge:
		return c.client.Patch(types.MergePatchType)
	case ByApply:
	}
	return c.client.Patch(types.ApplyPatchType).Param("force", fmt.Sprint(r.Force))
}

// do sends the request and decodes the answer; integers stay integers.
func do(ctx context.Context, request *rest.Request, code *int, into any) error {
	result := request.Do(ctx)
	if code != nil {
		result = result.StatusCode(code)
	}
	if err := result.Error(); err != nil {
		return err
	}
	raw, err := result.Raw()
	if err != nil {
		return err
	}
	if err := utiljson.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("reading the answer of the server: %w", err)
	}
	return nil
}

// resource finds the resource that serves a kind. What is not known is read by discovery
// each time, per group version, so that one broken aggregated API breaks nothing
// but its own kinds.
func (c *kubeCluster) resource(ctx context.Context, apiVersion, kind string) (metav1.APIResource, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return metav1.APIResource{}, fmt.Errorf("reading the version of %s: %w", kind, err)
	}
	c.mu.Lock()
	known, ok := c.resources[gv][kind]
	c.mu.Unlock()

	if ok {
		return known, nil
	}
	var answer metav1.APIResourceList
	err = do(ctx, c.client.Get().AbsPath(apiRoot(apiVersion)...).MaxRetries(0), nil, &answer)
	if err != nil && !apierrors.IsNotFound(err) {
		return metav1.APIResource{}, fmt.Errorf("discovery of %s: %w", apiVersion, err)
	}

	byKind := make(map[string]metav1.APIResource)
	for _, r := range answer.APIResources {
		if isTopLevel(r.Name) {
			byKind[r.Kind] = r
		}
	}

	c.mu.Lock()
	c.resources[gv] = byKind
	c.mu.Unlock()
	if r, ok := byKind[kind]; ok {
		return r, nil
	}
	return metav1.APIResource{}, fmt.Errorf("%w: %s at %s", ErrNotServed, kind, apiVersion)
}
