package rewrite

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/restore"
)

func TestImagesAreMappedByTheirBeginning(t *testing.T) {
	images, err := ParseImages([]string{
		"quay.io=mirror.local/quay", "quay.io/team/web=own.local/web", "docker.io/library=mirror.local/hub", "reg:5000=mirror.local",
		"pinned:1.0=pinned:1.1",
	})
	if err != nil {
		t.Fatal(err)
	}
	for image, want := range map[string]string{
		"quay.io/team/api:1": "mirror.local/quay/team/api:1", "quay.io/team/web:2": "own.local/web:2",
		"quay.io/team/web@sha256:00": "own.local/web@sha256:00", "quay.io/team/website:2": "mirror.local/quay/team/website:2",
		"quay.iox/a": "", "nginx": "mirror.local/hub/nginx", "nginx:1.27": "mirror.local/hub/nginx:1.27",
		"docker.io/library/nginx": "mirror.local/hub/nginx", "bitnami/nginx": "", "localhost/nginx": "",
		"reg:5000/a:1": "mirror.local/a:1",
		"reg:50001/a":  "", "pinned:1.0": "pinned:1.1", "pinned:1.05": "mirror.local/hub/pinned:1.05",
		"pinned:1.0@sha256:00": "pinned:1.1@sha256:00",
	} {
		if got, _, _ := images.replace(image); got != want {
			t.Errorf("%s becomes %q, want %q", image, got, want)
		}
	}
	ported, _ := ParseImages([]string{"reg=x"})
	if got, _, ok := ported.replace("reg:5000/a"); ok {
		t.Errorf("the port of a registry was taken for a tag: %s", got)
	}
}

// Each kind that has Pods, and each field of a Pod.
func TestImagesOfAllWorkloadsAreMapped(t *testing.T) {
	const pod = `{containers: [{image: quay.io/a}, {image: own/b}], initContainers: [{image: quay.io/c}],
  ephemeralContainers: [{image: quay.io/d}], volumes: [{image: {reference: quay.io/e}}]}`
	point := pointOf(t, join(
		"{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: "+pod+"}\n",
		"{apiVersion: v1, kind: PodTemplate, metadata: {name: x}, template: {spec: "+pod+"}}\n",
		"{apiVersion: v1, kind: ReplicationController, metadata: {name: x}, spec: {template: {spec: "+pod+"}}}\n",
		"{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: x}, spec: {template: {spec: "+pod+"}}}\n",
		"{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {spec: "+pod+"}}}\n",
		"{apiVersion: extensions/v1beta1, kind: Deployment, metadata: {name: x}, spec: {template: {spec: "+pod+"}}}\n",
		"{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: x}, spec: {template: {spec: "+pod+"}}}\n",
		"{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: x}, spec: {template: {spec: "+pod+"}}}\n",
		"{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {template: {spec: "+pod+"}}}\n",
		"{apiVersion: batch/v1, kind: CronJob, metadata: {name: x}, spec: {jobTemplate: {spec: {template: {spec: "+pod+"}}}}}\n",
		"{apiVersion: example.com/v1, kind: Widget, metadata: {name: x}, spec: {image: quay.io/w}}\n"))
	images, err := ParseImages([]string{"quay.io=m", "gone.io=n"})
	if err != nil {
		t.Fatal(err)
	}

	changed := apply(t, Changes{Images: images}, point)
	for i, o := range changed.Objects.All() {
		if i == changed.Objects.Len()-1 {
			break
		}
		if len(o.Rewritten) != 4 {
			t.Errorf("%s: %v", o.ID, o.Rewritten)
		}
	}
	if got := noteAbout(changed, "Widget.example.com/x"); !strings.HasSuffix(got, ": spec.image") {
		t.Errorf("the image of a custom resource: %q", got)
	}
	if !slices.ContainsFunc(changed.Notes, func(n restore.Note) bool { return strings.Contains(n.What, "the pair for gone.io") }) {
		t.Errorf("the pair that matches nothing is not told: %v", changed.Notes)
	}
}

func TestStorageClassesAreMapped(t *testing.T) {
	point := pointOf(t, `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: a, namespace: n, annotations: {volume.beta.kubernetes.io/storage-class: old}}
spec: {storageClassName: old}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: a, annotations: {volume.beta.kubernetes.io/storage-class: old}}
spec: {storageClassName: old}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: a, namespace: n}
spec:
  template: {spec: {volumes: [{ephemeral: {volumeClaimTemplate: {spec: {storageClassName: old}}}}]}}
  volumeClaimTemplates:
  - metadata: {name: x, annotations: {volume.beta.kubernetes.io/storage-class: old}}
    spec: {storageClassName: old}
  - spec: {storageClassName: other}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: old}
provisioner: old
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: without, namespace: n}
spec: {storageClassName: ""}
`)
	classes, err := ParseStorageClasses([]string{"old=new"})
	if err != nil {
		t.Fatal(err)
	}
	changed := apply(t, Changes{StorageClasses: classes}, point)
	var counts []int
	for _, o := range changed.Objects.All() {
		counts = append(counts, len(o.Rewritten))
	}
	if !slices.Equal(counts, []int{2, 2, 3, 0, 0}) {
		t.Errorf("%v changes:\n%s", counts, report(changed))
	}
}

func TestMapsOfImagesAndClassesThatCannotBeUsedAreRefused(t *testing.T) {
	for pair, want := range map[string]string{
		"https://quay.io=m": "has a scheme", "quay.io/=m": "is no beginning", "quay.io": "an equals sign", "a b=c": "is no beginning",
		"=a": "is no",
	} {
		var e *PairError
		if _, err := ParseImages([]string{pair}); !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", pair, err)
		}
	}
	for pair, want := range map[string]string{"a=": "is no name", "A=b": "is no name", "a=a": "the same"} {
		if _, err := ParseStorageClasses([]string{pair}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", pair, err)
		}
	}
}
