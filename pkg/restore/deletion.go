package restore

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/appbur/appbur"
)

// Deletion is the deletion of one object as it was seen: the server refuses it as a conflict if
// there is another object of that name by now, or if somebody wrote the object since. What
// it owns is deleted afterwards by the garbage collector of the target: waiting for that in
// the server (propagation in the foreground) would hang where no controller-manager runs.
type Deletion struct {
	Object          appbur.ObjectID
	APIVersion      string
	UID             string
	ResourceVersion string
	// Orphan leaves alone what it owns.
	Orphan bool
	// DryRun sends the request with dryRun=All; [DryRun] sets it.
	DryRun bool
}

// Delete implements [Cluster].
func (c *kubeCluster) Delete(ctx context.Context, d Deletion) (gone bool, err error) {
	resource, err := c.resource(ctx, d.APIVersion, d.Object.Kind)
	if err != nil {
		return false, err
	}
	propagation := "Background"
	if d.Orphan {
		propagation = "Orphan"
	}
	preconditions := map[string]any{"uid": d.UID}
	if d.ResourceVersion != "" {
		preconditions["resourceVersion"] = d.ResourceVersion
	}
	options := map[string]any{
		"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation, "preconditions": preconditions,
	}
	if d.DryRun {
		options["dryRun"] = []string{metav1.DryRunAll} // a server that is sent a body reads no parameters
	}
	body, err := json.Marshal(options)
	if err != nil {
		return false, fmt.Errorf("encoding the deletion: %w", err)
	}

	request := c.client.Delete().AbsPath(apiRoot(d.APIVersion)...).NamespaceIfScoped(d.Object.Namespace, resource.Namespaced).
		Resource(resource.Name).Name(d.Object.Name).MaxRetries(0).
		SetHeader("Content-Type", runtime.ContentTypeJSON).Body(body)
	// The answer is the object as long as something keeps it, or only as a courtesy.
	var answer struct {
		Kind string `json:"kind"`
	}
	err = do(ctx, request, nil, &answer)
	return err == nil && answer.Kind == "Status", err
}

// Delete implements [Cluster]. What a dry run deletes counts as gone.
func (d *dryCluster) Delete(ctx context.Context, r Deletion) (gone bool, err error) {
	r.DryRun = true
	if _, err = d.Cluster.Delete(ctx, r); err != nil {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deleted[r.Object] = true
	return true, nil
}
