package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// ErrOtherCluster means that behind the address of an API server another cluster
// answers than before. What it says must not become the history of the first.
var ErrOtherCluster = errors.New("another cluster answers at the address of the API server")

// standpoint is which cluster answers and how far its store is.
type standpoint struct {
	// cluster is the uid of the namespace kube-system.
	cluster string
	// revision is that of the store, 0 when the server's versions are no numbers.
	revision uint64
}

// standpoint reads both in one cheap request: a list of one object, which the
// server answers from what the store holds now.
func (e *Exporter) standpoint(ctx context.Context) (standpoint, error) {
	var list struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Items []struct {
			Metadata struct {
				UID string `json:"uid"`
			} `json:"metadata"`
		} `json:"items"`
	}

	data, err := body(e.get("/api/v1/namespaces").Param("fieldSelector", "metadata.name=kube-system").
		SetHeader("Accept", "application/json").Do(ctx))
	if err != nil {
		return standpoint{}, err
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return standpoint{}, fmt.Errorf("%w: %w", errGarbled, err)
	}

	if len(list.Items) != 1 || list.Items[0].Metadata.UID == "" {
		return standpoint{}, fmt.Errorf("%w of the namespace kube-system", errGarbled)
	}
	revision, err := strconv.ParseUint(list.Metadata.ResourceVersion, 10, 64)
	if err != nil {
		revision = 0
	}
	return standpoint{cluster: list.Items[0].Metadata.UID, revision: revision}, nil
}

// attend looks from time to time whether the store that the watches rely on is still
// the same and has not gone back. A store that was restored from an older copy gives
// out revisions again that it gave out before: a watch that goes on from one of them
// neither fails nor shows what is gone, so everything has to be listed again.
//
// Revisions of one store never fall, and lists of one resource come from one store,
// so a list that is older than an earlier one is proof. If the store has meanwhile
// passed its old revision, nothing falls; the outage that a restored store cannot do
// without ([typeWatch.follow]) and the regular list (Options.Relist) are for that.
func (w *watcher) attend(ctx context.Context) error {
	var known standpoint
	for {
		if err := backoff.Sleep(ctx, w.exporter.options.Attend); err != nil {
			return err
		}

		now, err := w.exporter.standpoint(ctx)
		switch {
		case err != nil:
			continue // the watches log outages
		case known.cluster != "" && now.cluster != known.cluster:
			return appbur.WithHint(fmt.Errorf("%w: it was %s and is %s now", ErrOtherCluster, known.cluster, now.cluster),
				"check the address in the kubeconfig, and its load balancers")
		case now.revision < known.revision:
			w.exporter.options.Log.Warn("the API server's store has gone back in time; everything is listed again",
				"revision", now.revision, "before", known.revision)
			if rewound := w.exporter.options.Rewound; rewound != nil {
				rewound()
			}
			select {
			case w.rewound <- struct{}{}:
			default:
			}
		}

		known = now
	}
}
