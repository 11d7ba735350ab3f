package restore

import (
	"context"
	"encoding/json"

	"github.com/appbur/appbur"
)

// FieldManager is the name under which appbur owns fields in the target.
const FieldManager = appbur.FieldManager

// Cluster is the target as a restore sees it. All methods may be called from many
// goroutines. Errors of the API server are passed on as they came, so that
// k8s.io/apimachinery/pkg/api/errors can classify them; an implementation does
// not retry, because [Apply] does and has to see the server's Retry-After.
type Cluster interface {
	// Serves reports whether the target serves the kind at this version now. It
	// reads it again whenever the last answer was no.
	Serves(ctx context.Context, apiVersion, kind string) (bool, error)
	// Existing returns what is there of a kind, by one list of metadata. A kind
	// that is not served has no objects.
	Existing(ctx context.Context, apiVersion, kind string) (map[appbur.ObjectID]Identity, error)
	// Page passes the objects of a kind in a namespace, or in all of the cluster if that is
	// empty, to visit, one after the other, and returns the token of the next page, empty after
	// the last one. Those of a page that failed may have been passed.
	Page(ctx context.Context, apiVersion, kind, namespace, token string, visit func(map[string]any)) (next string, err error)
	// Get returns one object at the given version.
	Get(ctx context.Context, id appbur.ObjectID, apiVersion string) (map[string]any, error)
	// Apply performs one write as [FieldManager], by server-side apply unless the
	// request says otherwise.
	Apply(ctx context.Context, r Request) (Applied, error)
	// Delete deletes one object, and reports whether it is gone: something may keep it for
	// a while, such as a finalizer.
	Delete(ctx context.Context, d Deletion) (gone bool, err error)
}

// Way is how a request writes.
type Way int

// The ways to write. What exists is applied where it can be.
const (
	// ByApply is server-side apply: it creates or changes, and knows who owns what.
	ByApply Way = iota
	// ByCreate is a plain create, which is refused when the object exists, or has fields
	// that the server does not know.
	ByCreate
	// ByUpdate replaces what is live, whose resource version the content carries.
	ByUpdate
	// ByMerge is a merge patch of metadata.
	ByMerge
)

// Request is one write.
type Request struct {
	By         Way
	Object     appbur.ObjectID
	APIVersion string
	// Content is the intent: the complete object, or its identity and status.
	Content map[string]any
	// Status addresses the status subresource.
	Status bool
	// Force takes fields over from other managers. Only an apply checks field ownership.
	Force bool
	// Full asks for the complete object as the answer, as a dry run does.
	Full bool
	// DryRun sends the request with dryRun=All; [DryRun] sets it.
	DryRun bool
}

// Applied is the answer to a [Request].
type Applied struct {
	Identity
	// Created is true when the object was not there before.
	Created bool
	// Unchecked is true when a dry run could not be sent to the server, because what the
	// object needs would be created by the same run.
	Unchecked bool
	// Managed is metadata.managedFields of an answer that is not complete.
	Managed []json.RawMessage
	// Object is the complete answer, where it was asked for. That to a dry run has the resource
	// version of the object as it is: only the content says whether a write would change it.
	Object map[string]any
}

// Identity is what a restore has to know of a live object.
type Identity struct {
	UID             string
	ResourceVersion string
	// Terminating is true when the object is being deleted.
	Terminating bool
	// Applied and AppliedStatus represent what appbur applied to the object and to
	// its status subresource, and when; they are equal as long as nothing it
	// applied changed, and empty if it never applied anything.
	Applied       string
	AppliedStatus string
	// Owners are the uids of its owner references, separated by spaces.
	Owners string
}
