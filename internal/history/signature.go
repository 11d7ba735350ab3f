package history

import (
	"errors"

	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// SignatureState says what a signature is worth.
type SignatureState string

// The states of a signature.
const (
	// SignatureGood means that a trusted key signed these very bytes.
	SignatureGood SignatureState = "good"
	// SignatureBad means that the signature is not of these bytes.
	SignatureBad SignatureState = "bad"
	// SignatureUnknown means that the signature is of these bytes, by a key that is not
	// trusted, or was not at the time of the commit.
	SignatureUnknown SignatureState = "unknown signer"
	// SignatureNone means that the commit is not signed.
	SignatureNone SignatureState = "unsigned"
)

// Signature is the state of the signature of a commit.
type Signature struct {
	State SignatureState `json:"state"`
	// By is who signed, if that is known.
	By string `json:"by,omitempty"`
	// Reason says what is wrong.
	Reason string `json:"reason,omitempty"`
}

// CheckSignature compares the signature of a commit with a trust root in the way of
// `git verify-commit`: a key must be allowed at the time of the commit.
func CheckSignature(c gitsync.Commit, trusted seal.AllowedSigners) Signature {
	if len(c.Signature) == 0 {
		return Signature{State: SignatureNone}
	}
	by, err := trusted.Verify(c.Payload, c.Signature, c.Time)
	switch {
	case err == nil:
		return Signature{State: SignatureGood, By: by}
	case errors.Is(err, seal.ErrUnknownSigner):
		return Signature{State: SignatureUnknown, Reason: err.Error()}
	default:
		return Signature{State: SignatureBad, Reason: err.Error()}
	}
}
