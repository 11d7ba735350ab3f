package restore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// village is a point with one of each dependency.
const village = `
apiVersion: v1
kind: Namespace
metadata: {name: team-a, uid: ns-a}
---
apiVersion: v1
kind: Namespace
metadata: {name: team-b, uid: ns-b}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: team-a, uid: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      priorityClassName: high
      containers: [{name: web, image: web, envFrom: [{secretRef: {name: token}}, {configMapRef: {name: gone}}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: team-a, uid: sa}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web-reads, namespace: team-a, uid: rb}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects:
- {kind: ServiceAccount, name: web, namespace: team-a}
- {kind: ServiceAccount, name: other, namespace: team-b}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: other, namespace: team-b, uid: sa-b}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader, uid: cr}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high, uid: pc}
value: 10
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: team-a, uid: secret}
stringData: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: unrelated, namespace: team-a, uid: secret-2}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: team-a, uid: claim}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast, uid: sc}
provisioner: example.org/fast
---
apiVersion: v1
kind: Service
metadata: {name: dns, namespace: team-a, uid: dns}
spec: {clusterIP: 10.96.0.10, ports: [{port: 53}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: team-a, uid: svc}
spec: {ports: [{port: 80}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: wells.example.org, uid: crd}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: wells, kind: Well, singular: well, listKind: WellList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: example.org/v1
kind: Well
metadata: {name: deep, namespace: team-b, uid: well}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: bucket
  namespace: team-b
  uid: bucket
  ownerReferences: [{apiVersion: example.org/v1, kind: Well, name: deep, uid: well, controller: false}]
`

func villagePoint(t *testing.T) Point {
	t.Helper()
	var objects []map[string]any
	for _, text := range strings.Split(village, "\n---\n") {
		objects = append(objects, decode(t, text))
	}
	p := pointOf(t, objects...)
	for _, app := range []appbur.AppKey{{Namespace: "team-a", Name: "shop"}, {Namespace: "team-b", Name: "fleet"}} {
		p.Meta.Apps = append(p.Meta.Apps, appbur.AppState{AppKey: app})
	}
	return p
}

// naming chooses objects by their ids.
func naming(ids ...string) Choice {
	return Choice{
		Text: strings.Join(ids, ", "), Dependencies: true,
		Objects: func(o Object) bool { return slices.Contains(ids, o.ID.String()) },
		Apps:    func(app appbur.AppKey) bool { return app.Name == "shop" },
	}
}

// needsOf lists what came with the chosen objects.
func needsOf(p Point) []string {
	var lines []string
	for _, o := range p.Objects.All() {
		if o.Need != nil {
			lines = append(lines, o.ID.String()+": "+o.Need.String())
		}
	}
	return lines
}

func TestChosenObjectsBringWhatTheyNeed(t *testing.T) {
	for _, test := range []struct {
		name   string
		choice Choice
		want   []string
	}{
		{"a workload", naming("Deployment.apps/team-a/web"), []string{
			"Namespace/team-a: namespace of Deployment.apps/team-a/web",
			"ClusterRole.rbac.authorization.k8s.io/reader: dependency of RoleBinding.rbac.authorization.k8s.io/team-a/web-reads",
			"PriorityClass.scheduling.k8s.io/high: dependency of Deployment.apps/team-a/web",
			"StorageClass.storage.k8s.io/fast: dependency of PersistentVolumeClaim/team-a/data",
			"PersistentVolumeClaim/team-a/data: dependency of Deployment.apps/team-a/web",
			"Secret/team-a/token: dependency of Deployment.apps/team-a/web",
			"ServiceAccount/team-a/web: dependency of Deployment.apps/team-a/web",
			"RoleBinding.rbac.authorization.k8s.io/team-a/web-reads: binding of ServiceAccount/team-a/web",
		}},
		{"a chosen binding brings all it names", naming("RoleBinding.rbac.authorization.k8s.io/team-a/web-reads"), []string{
			"Namespace/team-a: namespace of RoleBinding.rbac.authorization.k8s.io/team-a/web-reads",
			"Namespace/team-b: namespace of ServiceAccount/team-b/other",
			"ClusterRole.rbac.authorization.k8s.io/reader: dependency of RoleBinding.rbac.authorization.k8s.io/team-a/web-reads",
			"ServiceAccount/team-a/web: dependency of RoleBinding.rbac.authorization.k8s.io/team-a/web-reads",
			"ServiceAccount/team-b/other: dependency of RoleBinding.rbac.authorization.k8s.io/team-a/web-reads",
		}},
		{"an owner and its definition", naming("ConfigMap/team-b/bucket"), []string{
			"CustomResourceDefinition.apiextensions.k8s.io/wells.example.org: definition of Well.example.org/team-b/deep",
			"Namespace/team-b: namespace of Well.example.org/team-b/deep",
			"Well.example.org/team-b/deep: owner of ConfigMap/team-b/bucket",
		}},
		{"an address that another has is no dependency", naming("Service/team-a/web"), []string{
			"Namespace/team-a: namespace of Service/team-a/web",
		}},
		{"owners come without dependencies too", func() Choice {
			c := naming("ConfigMap/team-b/bucket")
			c.Dependencies = false
			return c
		}(), []string{"Well.example.org/team-b/deep: owner of ConfigMap/team-b/bucket"}},
		{"owners can be dropped", func() Choice {
			c := naming("ConfigMap/team-b/bucket")
			c.Owners = OwnersDrop
			return c
		}(), []string{"Namespace/team-b: namespace of ConfigMap/team-b/bucket"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			chosen, err := villagePoint(t).Choose(test.choice)
			if err != nil {
				t.Fatal(err)
			}
			got := needsOf(chosen)
			slices.Sort(got)
			slices.Sort(test.want)
			if !slices.Equal(got, test.want) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			part := *chosen.Part
			if part.Chosen != 1 || part.Needed != len(test.want) || part.Of != 17 || part.Text != test.choice.Text {
				t.Errorf("%+v", part)
			}
			if len(chosen.Meta.Apps) != 1 || chosen.Meta.Apps[0].Name != "shop" {
				t.Errorf("applications %v", chosen.Meta.Apps)
			}
		})
	}
}

func TestOwnersThatHaveToBeChosen(t *testing.T) {
	choice := naming("ConfigMap/team-b/bucket")
	choice.Owners = OwnersFail
	_, err := villagePoint(t).Choose(choice)
	if !errors.Is(err, ErrOwnerNotChosen) || !strings.Contains(err.Error(), "Well.example.org/team-b/deep, owner of ConfigMap/team-b/bucket") {
		t.Error(err)
	}
	both := naming("ConfigMap/team-b/bucket", "Well.example.org/team-b/deep")
	both.Owners = OwnersFail
	if _, err := villagePoint(t).Choose(both); err != nil {
		t.Error(err)
	}
}

// planOf plans a choice for a target that has some of the objects.
func planOf(t *testing.T, c Choice, around Surroundings) *Plan {
	t.Helper()
	chosen, err := villagePoint(t).Choose(c)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(chosen, target, Options{Surroundings: around})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestNeededObjectsThatExistAreLeftAsTheyAre(t *testing.T) {
	present := map[appbur.ObjectID]bool{}
	for _, text := range []string{
		"Namespace/team-b", "Well.example.org/team-b/deep", "CustomResourceDefinition.apiextensions.k8s.io/wells.example.org",
	} {
		id, err := appbur.ParseObjectID(text)
		if err != nil {
			t.Fatal(err)
		}
		present[id] = true
	}

	cluster := newFaultyCluster()
	theirs := map[string]any{"apiVersion": "example.org/v1", "kind": "Well", "metadata": map[string]any{"name": "deep", "namespace": "team-b"}}
	well := appbur.ObjectID{Group: "example.org", Kind: "Well", Namespace: "team-b", Name: "deep"}
	live, err := cluster.Apply(t.Context(), Request{Object: well, APIVersion: "example.org/v1", Content: theirs})
	if err != nil {
		t.Fatal(err)
	}

	for _, around := range []Surroundings{{Present: present}, {}} { // known when the plan is made, or met by the restore
		plan := planOf(t, naming("ConfigMap/team-b/bucket"), around)
		writes := map[string]Action{}
		for _, s := range plan.Steps {
			writes[s.Object.String()] = s.Action
		}
		if want := map[bool]Action{true: ActionKeep, false: ActionApply}[around.Present != nil]; writes[well.String()] != want {
			t.Errorf("the plan has %s for an owner", writes[well.String()])
		}

		before := cluster.attempts[well]
		report, err := Apply(t.Context(), plan, cluster, nil)
		if err != nil {
			t.Fatal(err)
		}
		if cluster.attempts[well] != before {
			t.Error("an owner that exists was written")
		}
		bucket := appbur.ObjectID{Kind: "ConfigMap", Namespace: "team-b", Name: "bucket"}
		owners := list(cluster.objects[bucket].content, "metadata", "ownerReferences")
		if len(owners) != 1 || text(owners[0], "uid") != live.UID {
			t.Errorf("its owners are %v, the live one has the uid %s", owners, live.UID)
		}
		if report.Counts.Failed+report.Counts.Skipped > 0 {
			t.Error(report.Counts)
		}
	}
}

func TestAPlanOfAPartSaysSo(t *testing.T) {
	text := planOf(t, naming("ConfigMap/team-b/bucket"), Surroundings{
		Present: map[appbur.ObjectID]bool{{Kind: "Namespace", Name: "team-b"}: true},
	}).String()
	for _, want := range []string{
		"Selected: ConfigMap/team-b/bucket\n1 of 17 objects, and 3 that they need\n",
		"Needed by selected objects, and missing: created (2)\n",
		"  Well.example.org/team-b/deep: owner of ConfigMap/team-b/bucket\n",
		"Needed by selected objects, and there: left as they are (1)\n  Namespace/team-b: namespace of Well.example.org/team-b/deep\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// A definition of the target that is newer than that of the point decides what is served.
func TestADefinitionThatExistsSaysWhatIsServed(t *testing.T) {
	definition := appbur.ObjectID{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "wells.example.org"}
	chosen, err := villagePoint(t).Choose(naming("Well.example.org/team-b/deep"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		present bool
		serves  []string
		want    Action
	}{
		{"the target has one that serves another version", true, []string{"v2"}, ActionBlocked},
		{"the target has one that serves the same version", true, []string{"v1", "v2"}, ActionApply},
		{"that of the point is created", false, nil, ActionApply},
	} {
		t.Run(test.name, func(t *testing.T) {
			served := map[appbur.GroupKind][]string{{Kind: "Namespace"}: {"v1"}, definition.GroupKind(): {"v1"}}
			if test.serves != nil {
				served[appbur.GroupKind{Group: "example.org", Kind: "Well"}] = test.serves
			}
			plan, err := NewPlan(chosen, compat.NewDiscoveryTarget(target.Version(), served),
				Options{Surroundings: Surroundings{Present: map[appbur.ObjectID]bool{definition: test.present}}})
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(plan.Steps, func(s *Step) bool { return s.Object.Kind == "Well" })
			if step := plan.Steps[at]; step.Action != test.want {
				t.Errorf("%s at %q: %s", step.Action, step.APIVersion, step.Why)
			}
		})
	}
}

func TestObjectsWithoutTheirNamespaceAreBlocked(t *testing.T) {
	choice := naming("ConfigMap/team-b/bucket")
	choice.Dependencies, choice.Owners = false, OwnersDrop
	plan := planOf(t, choice, Surroundings{Namespaces: map[string]bool{}})
	const why = "its namespace team-b is neither selected nor in the target\n      hint: "
	if len(plan.Blocked()) != 1 || !strings.Contains(plan.String(), why) {
		t.Errorf("it is not blocked, or it is not said why:\n%s", plan)
	}
	if plan := planOf(t, choice, Surroundings{Namespaces: map[string]bool{"team-b": true}}); len(plan.Blocked()) != 0 {
		t.Errorf("%+v", plan.Steps)
	}
}
