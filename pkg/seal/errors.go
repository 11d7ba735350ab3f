package seal

import "errors"

// The errors that callers distinguish. They arrive wrapped.
var (
	// ErrNoIdentityMatch means that none of the private keys belongs to a
	// recipient of the file.
	ErrNoIdentityMatch = errors.New("no private key matches the recipients")
	// ErrTampered means that sealed bytes were altered after they were sealed.
	ErrTampered = errors.New("sealed data was altered or damaged")
	// ErrFormat means that the bytes do not have the form they should have.
	ErrFormat = errors.New("not in the expected format")
	// ErrUnsupported means that a SOPS file uses a feature that this package does
	// not read.
	ErrUnsupported = errors.New("unsupported SOPS feature")
	// ErrBadSignature means that a signature does not fit the message.
	ErrBadSignature = errors.New("signature does not match")
	// ErrUnknownSigner means that a signature is sound, but its key is not among
	// the allowed signers at that time.
	ErrUnknownSigner = errors.New("signer is not allowed")
)
