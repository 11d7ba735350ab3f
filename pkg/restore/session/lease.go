package session

import (
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// Name is that of the Lease and of the ConfigMap.
const Name = "appbur-restore"

// Namespace exists in every cluster, and no restore of a tenant writes to it.
const Namespace = "kube-system"

const leaseVersion = "coordination.k8s.io/v1"

var leaseID = appbur.ObjectID{Group: "coordination.k8s.io", Kind: "Lease", Namespace: Namespace, Name: Name}

// The annotations of the Lease, in which people read who holds it.
const (
	annotationUser    = "appbur/user"
	annotationHost    = "appbur/host"
	annotationPoint   = "appbur/restore-point"
	annotationPart    = "appbur/part"
	annotationStarted = "appbur/started"
	annotationProcess = "appbur/process"
)

// Holder is who restores what since when.
type Holder struct {
	User string `json:"user"`
	Host string `json:"host"`
	// Point is "" for who releases what is paused.
	Point   appbur.RestorePointID `json:"restorePoint"`
	Part    string                `json:"part,omitempty"`
	Started time.Time             `json:"started"`
	// Process identifies the process for other processes of its machine, "" where nothing does.
	Process string `json:"-"`
}

// Rights are what a run needs for its lock and its record.
func Rights() []restore.Right {
	var rights []restore.Right
	for _, kind := range []struct{ group, resource string }{{leaseID.Group, "leases"}, {"", "configmaps"}} {
		for _, verb := range []string{"create", "get", "update"} {
			right := restore.Right{Verb: verb, Group: kind.group, Resource: kind.resource, Namespace: Namespace, Name: Name, Objects: 1}
			if verb == "create" {
				right.Name = "" // a create is authorized without a name
			}
			rights = append(rights, right)
		}
	}
	return rights
}

// lease is the Lease as it was read.
type lease struct {
	uid, version string
	// holder is "" while nobody holds it.
	holder      string
	who         Holder
	acquired    string
	written     time.Time // by the clock of the server
	duration    time.Duration
	transitions int64
}

func readLease(content map[string]any) lease {
	metadata, spec := dict(content["metadata"]), dict(content["spec"])
	annotations := dict(metadata["annotations"])
	l := lease{uid: text(metadata["uid"]), version: text(metadata["resourceVersion"]), holder: text(spec["holderIdentity"])}
	l.acquired = text(spec["acquireTime"])
	if seconds, ok := spec["leaseDurationSeconds"].(int64); ok {
		l.duration = time.Duration(seconds) * time.Second
	}
	l.transitions, _ = spec["leaseTransitions"].(int64)

	started, _ := time.Parse(time.RFC3339, text(annotations[annotationStarted]))
	l.who = Holder{
		User: text(annotations[annotationUser]), Host: text(annotations[annotationHost]), Started: started,
		Point: appbur.RestorePointID(text(annotations[annotationPoint])), Part: text(annotations[annotationPart]),
		Process: text(annotations[annotationProcess]),
	}
	managed, _ := metadata["managedFields"].([]any)
	for _, entry := range managed {
		if at, err := time.Parse(time.RFC3339, text(dict(entry)["time"])); err == nil && at.After(l.written) {
			l.written = at
		}
	}
	return l
}

// content is the Lease as it is written: by a create, or over the one that was read.
func (l lease) content(now time.Time) map[string]any {
	metadata := map[string]any{
		"name": Name, "namespace": Namespace, "labels": map[string]any{"app.kubernetes.io/managed-by": "appbur"},
	}
	if l.uid != "" {
		metadata["uid"], metadata["resourceVersion"] = l.uid, l.version
	}
	spec := map[string]any{"holderIdentity": l.holder, "leaseTransitions": l.transitions}
	if l.holder != "" {
		metadata["annotations"] = map[string]any{
			annotationUser: l.who.User, annotationHost: l.who.Host, annotationPoint: string(l.who.Point),
			annotationPart: l.who.Part, annotationStarted: l.who.Started.UTC().Format(time.RFC3339), annotationProcess: l.who.Process,
		}
		spec["leaseDurationSeconds"] = int64(l.duration / time.Second)
		spec["acquireTime"], spec["renewTime"] = l.acquired, microTime(now)
	}
	return map[string]any{"apiVersion": leaseVersion, "kind": "Lease", "metadata": metadata, "spec": spec}
}

func microTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

func dict(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func text(value any) string {
	s, _ := value.(string)
	return s
}
