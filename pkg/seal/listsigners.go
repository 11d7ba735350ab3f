package seal

import (
	"time"

	"golang.org/x/crypto/ssh"
)

// TrustedSigner is one line of an allowed signers file, to be shown to a person.
type TrustedSigner struct {
	Principals string `json:"principals"`
	// Fingerprint is in the form of `ssh-keygen -l`.
	Fingerprint string `json:"fingerprint"`
	// Since and Until limit when a signature may be dated; nil is no limit.
	Since *time.Time `json:"validAfter,omitempty"`
	Until *time.Time `json:"validBefore,omitempty"`
}

// ListSigners returns whom an allowed signers file names, in its order.
func ListSigners(data []byte) ([]TrustedSigner, error) {
	signers, err := ParseAllowedSigners(data)
	if err != nil {
		return nil, err
	}
	list := make([]TrustedSigner, len(signers))
	for i, s := range signers {
		list[i] = TrustedSigner{
			Principals: s.principals, Fingerprint: ssh.FingerprintSHA256(s.key), Since: limit(s.validAfter),
			Until: limit(s.validBefore),
		}
	}
	return list, nil
}

func limit(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
