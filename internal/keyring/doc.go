// Package keyring is the key directory of a repository: the keys that a machine writes and reads
// with, the signers that it believes, what it saw of the repository last, and the credentials of
// remotes. None of it is ever in a repository, so whoever can push chooses nothing here.
//
// The usual way in is [Load] for what writes, [LoadOpener] for what decrypts, and [TrustRoot] for
// what judges. [Create] makes a directory with new keys, and [Keys.ReplaceSigner] and its
// siblings put new keys in the place of old ones. [ReadSeen] and [WriteSeen] are the memory,
// [LoadCredentials] is how a remote is logged in to.
//
// # Promises
//
//   - A key file is never replaced by [Create], and a new one is on the disk, under its name, before it
//     is used. A crash while keys are replaced leaves nothing that does not verify.
//   - Who only writes needs no identity: [Load] reads none.
//   - Nobody trusted is an error ([ErrNobodyTrusted]), never a reason to go on unchecked. A memory that cannot be
//     read is one, too: to go on as if nothing had been seen would be what an attacker wants.
//   - A secret credential that others can read is refused.
//
// # Refusals
//
// The package knows no Git history and no restore points: internal/repository compares them with what is
// remembered here. A key that is missing, unreadable or of the wrong kind is an [Error].
package keyring
