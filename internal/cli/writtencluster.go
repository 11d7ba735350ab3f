package cli

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur/pkg/restore"
)

// writtenCluster remembers whether anything was written to a cluster, or may have been.
type writtenCluster struct {
	restore.Cluster

	written atomic.Bool
}

// Apply implements [restore.Cluster].
func (c *writtenCluster) Apply(ctx context.Context, r restore.Request) (restore.Applied, error) {
	applied, err := c.Cluster.Apply(ctx, r)
	if !r.DryRun && !refused(err) {
		c.written.Store(true)
	}
	return applied, err
}

// Delete implements [restore.Cluster].
func (c *writtenCluster) Delete(ctx context.Context, d restore.Deletion) (gone bool, err error) {
	gone, err = c.Cluster.Delete(ctx, d)
	if !refused(err) {
		c.written.Store(true)
	}
	return gone, err
}

// refused reports whether the server has said that it did not do what it was asked. After other
// errors, such as a timeout, nobody knows.
func refused(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	code := status.Status().Code
	return code >= http.StatusBadRequest && code < http.StatusInternalServerError || restore.IsAdmission(err)
}
