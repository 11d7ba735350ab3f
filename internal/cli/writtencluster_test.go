package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur/pkg/restore"
)

// failingCluster answers every write with one error.
type failingCluster struct {
	restore.Cluster

	err error
}

func (c failingCluster) Apply(context.Context, restore.Request) (restore.Applied, error) {
	return restore.Applied{}, c.err
}

func (c failingCluster) Delete(context.Context, restore.Deletion) (bool, error) {
	return c.err == nil, c.err
}

// TestWhatMayHaveBeenWritten tells refusals, after which nothing was written, from all else.
func TestWhatMayHaveBeenWritten(t *testing.T) {
	maps := schema.GroupResource{Resource: "configmaps"}
	for name, tt := range map[string]struct {
		err     error
		written bool
	}{
		"done":                         {nil, true},
		"forbidden":                    {apierrors.NewForbidden(maps, "a", errors.New("no")), false},
		"a conflict":                   {fmt.Errorf("applying: %w", apierrors.NewConflict(maps, "a", errors.New("kubectl"))), false},
		"too many requests":            {apierrors.NewTooManyRequests("later", 1), false},
		"a webhook that is not there":  {apierrors.NewInternalError(errors.New(`failed calling webhook "a.example.org"`)), false},
		"the server failed":            {apierrors.NewInternalError(errors.New("etcd")), true},
		"the server was not in time":   {apierrors.NewTimeoutError("etcd", 1), true},
		"the connection was cut":       {errors.New("unexpected EOF"), true},
		"cancelled while it was asked": {context.Canceled, true},
	} {
		for _, write := range []func(c restore.Cluster){
			func(c restore.Cluster) { _, _ = c.Apply(t.Context(), restore.Request{}) },
			func(c restore.Cluster) { _, _ = c.Delete(t.Context(), restore.Deletion{}) },
		} {
			c := &writtenCluster{Cluster: failingCluster{err: tt.err}}
			if write(c); c.written.Load() != tt.written {
				t.Errorf("%s: written %t", name, !tt.written)
			}
		}
	}

	c := &writtenCluster{Cluster: failingCluster{}}
	if _, _ = c.Apply(t.Context(), restore.Request{DryRun: true}); c.written.Load() {
		t.Error("a dry run counts as a write")
	}
}
