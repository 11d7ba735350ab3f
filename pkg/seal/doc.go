// Package seal encrypts what must not lie in Git in clear, and signs what must
// not be forged.
//
// A manifest is sealed as a SOPS file: the values below data and stringData are
// encrypted to age recipients, the rest stays readable, and the sops command and
// Flux decrypt it. A piece of a payload is sealed as an age file behind one clear
// line. Signatures are SSH signatures (SSHSIG) in git's namespace.
//
// The usual way in is [GenerateKeys] once, then [NewSealer] on the side that
// backs up, which needs public keys only, and [NewOpener] on the side that
// restores. [NewSigner] signs commits and tags, [ParseAllowedSigners] verifies.
//
// # Stable ciphertext
//
// Encryption is randomized, so sealing the same secret twice gives different
// bytes, and a backup every minute would fill the history with noise. The sealed
// file therefore carries a fingerprint: an HMAC, under a key of its own, of the
// plaintext, the recipients and the sealed bytes. Whoever holds that key can tell
// from the file alone, without a private key and after a restart or in a fresh
// clone, that it is the sealed form of this very plaintext, and keeps it byte for
// byte. A file that was altered in any way does not match and is sealed again.
//
// # Promises
//
//   - No value below data or stringData appears in a sealed manifest, nor does any
//     hash of one that can be computed without a key. Two equal secrets do not look
//     alike.
//   - What was opened has the values that were sealed: every encrypted value is
//     authenticated together with its path, and the message authentication code covers
//     all values, clear ones as well, in their order. Anything else is [ErrTampered].
//   - Errors never contain a value.
//
// # What it does not promise
//
// SOPS authenticates no more than that. Keys of the clear part, the bounds between
// neighbouring clear values and comments are under no code, and whoever knows a
// recipient, which is public, can seal a file of their own
// (getsops/sops, sops.go, Tree.Encrypt and Metadata). That a file is the one that was
// saved, and who saved it, is what the signature of its commit says.
//
// # Refusals
//
// Names, labels, annotations, the keys below data and the approximate length of
// values stay in clear: Flux and people must be able to read what an object is.
// Recipients and identities are age X25519 keys; other SOPS key services, other
// rules of selection than encrypted_regex, YAML aliases and several documents in
// one file are refused. The filippo.io/age module draws its own randomness, so
// sealing cannot be made reproducible by the reader that is passed in.
package seal
