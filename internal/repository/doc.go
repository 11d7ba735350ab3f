// Package repository joins Git, encryption and manifests into the thing a user
// calls a repository: a bare Git repository that holds one cluster's history
// and its restore points, and the keys that belong to it.
//
// The usual way in is [Open], then [Repository.Begin] to bring main up to what a
// capture saw, [Repository.BeginPoint] to stream payloads into a restore point and
// [PointWriter.Save] to add it, and [Repository.Points], [Repository.Load] and
// [Loaded.Payload] to read them back. [Repository.DeletePoints] deletes points. [Create] makes a new repository and its
// keys. [Repository.VerifyTrust] says how far a point can be believed, and [Check] whether
// everything in a repository is as it must be. [Repository.MaintainIfDue] keeps it small.
//
// # Promises
//
//   - Secret values are encrypted before they reach the Git engine. Writing needs
//     public recipients only; reading a restore point needs the age identity.
//   - A file disappears only when the caller says that its object did: alone
//     ([Writer.Delete]), because a complete list lacks it ([Writer.KeepOnly]), or with
//     its complete kind. Files of types that could not be read stay.
//   - A repository remembers its cluster. Another cluster, or a sudden collapse of
//     what is saved, is refused until the caller says otherwise ([Guards]).
//   - Remotes are pushed to all at once, each with a result of its own. A point that
//     was deleted here is deleted there only if [Repository.NoteDeleted] knows of it.
//   - A main that does not lead back to what was seen of it before is refused, for
//     reading and for writing, until the caller accepts it ([ErrRewritten]).
//   - A restore point is visible only when it is complete: the tag is written last. A tag
//     that leads to none ([ErrUnreadable]) hides no other and counts as good for nothing.
//   - What a deleted point held is dropped without being asked for only when nothing has
//     needed it for two weeks.
//   - Payloads are never in memory as one piece, and whoever reads one to its end has
//     the bytes that were exported. Equal payloads are cut and named equally, sealed
//     ones keep their ciphertext, so that a point costs what changed.
//   - Of a sensitive dataset no plain digest is stored, encoded or said in an error:
//     something short can be guessed by it. [Repository.Load] opens the digest for
//     who can decrypt, and [Loaded.Payload] checks against it.
//   - The newest good state of the cluster and of each application outlives every
//     policy, and is deleted only when the caller says so in as many words.
//
// # Refusals
//
// The package does not connect to clusters or applications, and not to users: it
// is given what was captured, and an error that a user can do something about has a
// [Reason]; which flag or command is the way out, the caller says.
package repository
