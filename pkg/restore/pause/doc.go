// Package pause makes controllers wait until a restore is whole.
//
//	rules, err := pause.ParseRules(file)                                   // what users add
//	pauses := pause.Pauses{Rules: rules, Activate: restore.ActivateNow}
//	paused, err := pauses.Apply(point, state)                              // pure; before the plan
//	…                                                                      // plan and restore the point
//	release, ok := pause.ReleaseOf(id, live)                               // what will be changed back
//	report, err := pause.Activator{Cluster: cluster}.Activate(ctx, releases)
//
// A controller that finds half of what it manages repairs the rest: it makes machines for those that
// are not restored yet, applies Git over what is being restored, runs a job on an empty database. Most
// controllers can be told to leave an object alone. The table ([Rules]) says how: data, each row with a
// reason and a source. Users add rows for their own controllers ([ParseRules]).
//
// # What is paused
//
// What the restore creates, and what an earlier restore has paused and nobody has released. What runs in
// the target goes on running: it is not silently stopped by a restore beside it, and what was released
// once is not paused by the next restore ([Pauses.Running] asks for that). What was paused in the source
// stays paused, also after the release.
//
// # What runs already
//
//	living := pauses.Living(definitions)                                   // pure, too
//	hold, acts := living.HoldOf(id, live)                                  // how an object of a running cluster is paused
//	report, err := pause.Holder{Cluster: cluster}.Hold(ctx, holds)
//
// A cluster that is to be replaced stops by the same rules before the new one acts, with the same mark: a release has it
// as it was, and so has a restore point that was saved meanwhile.
//
// # What remembers
//
// The object itself. The request that pauses it writes a label to find it by, and an annotation with the
// values from before, the controller and the stage ([restore.PausedKey]). So a restore can die at any
// moment: the next one, or a release from any machine, goes on with what it finds. A point that was saved
// while objects were paused has the marks; they are taken out when it is restored.
//
// # Release
//
// Stage by stage for each controller, and where a row says so, the next stage waits until the objects of
// this one are ready: sources of Flux before what applies them. One patch puts the values back and
// removes the mark, on the condition that nobody has written the object in between. A field that somebody
// has changed since stays as it is.
//
// # Promises
//
//   - Everything but [Activator] and [Holder] is a function: no client, no clock, no file.
//   - A mark is input: anybody who may write the object may write it. A release
//     changes neither the identity nor the status of an object by it, no labels but its own, and
//     nothing of kinds that give rights.
package pause
