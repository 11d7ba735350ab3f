// Package restore turns a restore point into a living cluster.
//
// The usual way in:
//
//	plan, err := restore.NewPlan(point, target, restore.Options{})   // pure: what will happen, and why
//	err = plan.Render(os.Stdout)
//	report, err := restore.Apply(ctx, plan, cluster, reporter)       // repeatable
//	err = restore.Import(ctx, plan, importer, &report)               // application state
//	findings, err := restore.Verify(ctx, plan, cluster, rules, nil)  // proof
//
// A part of the point is restored by [Point.Choose] first: what was selected, and what
// that needs, which is created where the target has none and otherwise left alone.
//
// A dry run is the same path with restore.DryRun(cluster).
//
// # The plan
//
// A [Plan] is a graph of [Step] values, written down in an order in which they
// could be run one by one. Edges between steps come from three places:
//
//   - what cannot be otherwise: objects need their namespace, custom resources
//     need their definition to be established, what is owned needs the uid of its
//     owner. If such a step fails, those that need it are not tried;
//   - references between objects (the table in reference.go): they order steps and
//     do not block them when the referenced object fails;
//   - stages (place.go): custom resources with their status before the workloads
//     that act on them; claims and Pods before limits, which judge and fill in new
//     objects only, and limits before the controllers whose Pods they are for;
//     workloads before quotas and aggregated APIs, admission rules last.
//
// Cycles lose references first. Owners that form a cycle are linked by a later
// step. Objects that the target cannot hold are blocked steps, and a plan with
// blocked steps is not applied unless its [Policy] allows to leave them out.
//
// # Promises
//
//   - NewPlan is a function: no client, no clock, no dependence on input order.
//   - One request per object, and one more per status; a list of metadata per type
//     shows what exists. Requests run in parallel and follow what the server
//     says about its load.
//   - No owner reference is ever sent with a uid that is not live in the target.
//   - A run that was stopped, killed or half failed is finished by running it again,
//     and a run over a finished restore changes nothing: what is absent is created,
//     what differs is applied server-side, both by the field manager "appbur".
//   - What tools applied server-side in the source belongs to them again, and no longer
//     to appbur, once an object has been created.
//   - Fields of other managers are not taken without [Policy].ForceConflicts; objects
//     of which it still manages a field, from an earlier restore, are brought to the
//     plan.
//   - Nothing is deleted, but for what [Prune] added to the plan: object by object, by
//     uid and version, after everything else and only if nothing of that failed; and for
//     what [Replace] has deleted and created again, because fields of it cannot be changed.
//   - No secret value of an [Object] is in a plan's text, JSON or digests, nor in an
//     event, a report or a finding, also where an API server or a webhook quotes what
//     it refuses (redact.go).
//
// # Decisions
//
// A Job that was running is applied as it is and runs again: it is what a user
// requested, and finished Jobs are not in a restore point. That it waits until all is
// restored, as everything that controllers act on, is decided before the plan (package
// pause). Service addresses are assigned again; node ports come back when the manifest has them, which it has when
// a user requested them. A claim gets its old volume when the volume is in the
// point as well. A status is restored where the kind is custom, once, into an
// object that the run created; afterwards it belongs to its controller.
// observedGeneration comes back as it was, while generations start at 1 again.
//
// # Refusals
//
// The package reads no environment, stores nothing and knows no Git. It does not
// decrypt: the objects of a [Point] are in clear. It does not call applications;
// it says when, and [Importer] does.
package restore
