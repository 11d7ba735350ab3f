package compat

import (
	"strings"

	"github.com/appbur/appbur"
)

// podTemplates says where each kind keeps its pods.
var podTemplates = map[appbur.GroupKind][]string{
	{Kind: "Pod"}:                        {},
	{Kind: "PodTemplate"}:                {"template"},
	{Kind: "ReplicationController"}:      {"spec", "template"},
	{Group: "apps", Kind: "Deployment"}:  {"spec", "template"},
	{Group: "apps", Kind: "DaemonSet"}:   {"spec", "template"},
	{Group: "apps", Kind: "ReplicaSet"}:  {"spec", "template"},
	{Group: "apps", Kind: "StatefulSet"}: {"spec", "template"},
	{Group: "batch", Kind: "Job"}:        {"spec", "template"},
	{Group: "batch", Kind: "CronJob"}:    {"spec", "jobTemplate", "spec", "template"},
}

// pod is a pod or the template of one within an object.
type pod struct {
	template map[string]any // has metadata and spec
	spec     map[string]any
	path     string // of the template, "" for a Pod itself
	specPath string
}

// eachPod calls f with the pod in the object, if its kind has one.
func eachPod(e *edit, f func(pod)) {
	gvk, _ := GVKOf(e.object)
	where, ok := podTemplates[gvk.GroupKind()]
	if !ok {
		return
	}
	template := e.object
	if len(where) > 0 {
		template = mapAt(e.object, where...)
	}
	if spec := mapAt(template, "spec"); spec != nil {
		path := strings.Join(where, ".")
		f(pod{template: template, spec: spec, path: path, specPath: join(path, "spec")})
	}
}

// containers calls f with every container of the pod.
func (p pod) containers(f func(container map[string]any, path string)) {
	for _, field := range []string{"initContainers", "containers", "ephemeralContainers"} {
		eachMap(listAt(p.spec, field), join(p.specPath, field), f)
	}
}

func (p pod) annotations() map[string]any { return mapAt(p.template, "metadata", "annotations") }
