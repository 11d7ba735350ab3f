// Package audit says who made a change of a cluster, as far as the audit events of its API servers prove it. It is pure:
// events come in as bytes, the time as a parameter, and nothing is read or sent.
//
//	ledger := audit.NewLedger(audit.Limits{}, now)
//	facts, err := audit.Parse(event)    // of one audit event, from a webhook or a log
//	ledger.Add(facts...)
//	facts, proven := ledger.Who(change) // of one event of a watch
//	ledger.OnLate(func(c audit.Change, facts []audit.Fact) { … })
//
// # What is proven
//
// A change is answered only if an event proves who made it. Everything else is unresolved; nothing is inferred from who
// was near.
//
//   - An event with the object of the answer (level RequestResponse) has its uid and its resourceVersion: it is about
//     exactly one version of one object. That does not yet prove that the request wrote it, because a request that
//     changes nothing succeeds and is answered with the version of somebody else. Proof is that the object was created
//     (code 201), that the request replaced another version, that it set the deletionTimestamp, or that the field
//     manager of the request has an entry in managedFields of just that time. Where the version has an entry that the one
//     before did not have, it must be that one. Where it has none, or the one before was not seen, nobody else may have
//     been answered with the version, and a request must be known for each field manager that wrote at about that time. A
//     patch that only takes fields away leaves no entry and is unresolved.
//   - An event without it (level Metadata, which Secrets must have) is about a name. It proves a version if the
//     newest entry of managedFields is of the field manager and the time of the request, if all requests to the object
//     at that time are of the same actor, and if there are as many of them as there were changes.
//   - A deletion is proven by the uid in the answer. Where finalizers or a grace period came between, both who asked and
//     who finished are named; who finished alone is no answer.
//   - A version that a list found, and not a watch, may be the last of several. It is answered if the requests from the
//     last known version up to it, or from the creation, are all known: each names the version that it replaced.
//   - A deletion at level Metadata does not show whether it was a dry run. It is believed only of one that was seen to go
//     while the request was served.
//   - A change that another process saw ([Ledger.Unproven], [Ledger.Recall]) is answered by what is certain, and by the
//     entries that the version before did not have, if no event about it had come to that process. Nothing counts that was
//     received after the change was seen: a store that has gone back gives out its versions again.
//   - A store that has gone back in time gives out its versions again. After [Ledger.Reset] nothing of before counts, and no
//     version with an entry of after a request is of that request.
//   - Dry runs, failed requests and events that were truncated prove nothing.
//
// Two actors can be mistaken for one another only if the event of the one who wrote was lost, and the other one asks for
// something within the same second that changes nothing. Where events have objects, both must also use the same field
// manager, or the lost request only took fields away after a write of the other one in that second.
package audit
