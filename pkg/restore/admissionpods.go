package restore

import (
	"slices"

	admission "k8s.io/api/admissionregistration/v1"

	"github.com/appbur/appbur"
)

// A workload that is restored is nothing without its Pods, which controllers make of it. A webhook that
// refuses those keeps what would answer for it from running, although all of the plan was written.

// childOf is what a controller makes of a kind at once; the rest makes Pods. A CronJob makes nothing now.
var childOf = map[appbur.GroupKind]write{
	{Group: "apps", Kind: "Deployment"}: {
		object: appbur.ObjectID{Group: "apps", Kind: "ReplicaSet"}, apiVersion: "apps/v1", resource: "replicasets",
	},
}

var podWrite = write{object: appbur.ObjectID{Kind: kindPod.Kind}, apiVersion: "v1", resource: "pods"}

// madeOf returns the requests by which controllers would make something of an object of a kind. They
// have its name, since nobody knows theirs.
func madeOf(id appbur.ObjectID) []write {
	if !slices.Equal(podTemplates[id.GroupKind()], []string{"spec", "template", "spec"}) {
		return nil
	}
	made := []write{podWrite}
	if child, ok := childOf[id.GroupKind()]; ok {
		made = append(made, child)
	}
	for i := range made {
		made[i].object.Namespace, made[i].object.Name = id.Namespace, id.Name
		made[i].operation, made[i].byController = admission.Create, true
	}
	return made
}

// madeFrom returns those for what a step writes.
func madeFrom(step *Step) []write {
	made := madeOf(step.Object)
	if len(made) == 0 || step.Action != ActionApply {
		return nil
	}
	content := step.Content.Object()
	if field(content, "spec", "replicas") == int64(0) {
		return nil
	}
	for i := range made {
		made[i].labels = labelsOf(dict(content, "spec", "template"))
	}
	return made
}
