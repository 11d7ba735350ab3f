// Package phases reads which parts of a restore a user keeps apart.
//
//	declared, err := phases.Parse(file)
//	chosen, err := declared[0].Words.Resolve(objects, apps, resources)     // pkg/selection
//	point, err = point.InPhases([]restore.DeclaredPhase{declared[0].With(holds)})
//
// The file says which objects are in each phase, with the words of a selection, whether the next phase
// waits until they are ready, and for how long:
//
//	phases:
//	- name: databases
//	  objects: [statefulset/db]
//	  timeout: 10m
//	- name: operators
//	  namespaces: [operators]
//	  kinds: [deployment]
//	- name: clusters
//	  kinds: ["*.cluster.x-k8s.io"]
//	  condition: Ready
//	  wait: false
//
// The package is pure: it neither reads files nor asks a cluster.
package phases
