// Package actor decides who made a change of the cluster, and says how that is known.
//
// It knows three answers. An audit event that names the write itself proves its user. Field managers say which client wrote
// last: a client can call itself what it likes, so that is not proven, and is marked. Everything else is
// unresolved, and then nobody is named as the author, also not the one who is likely.
//
// It is pure: [Resolve] reads one [Change] and what a [Ledger] has on it, [Runs] puts changes of one author together in the order
// in which they happened, and [Actor.Person] makes an author of a name that anybody may have chosen.
package actor
