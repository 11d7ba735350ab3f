package keyring

// Error means that a key is missing, unreadable or of the wrong kind.
type Error struct{ Err error }

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ExistsError means that a directory for new keys holds keys.
type ExistsError struct{ Dir string }

// Error implements error.
func (e *ExistsError) Error() string { return e.Dir + " holds keys already" }

// MissingError means that a key directory has not the key that is needed.
type MissingError struct{ Name, Dir string }

// Error implements error.
func (e *MissingError) Error() string { return "no " + e.Name + " in the key directory " + e.Dir }

// IdentityError means that Secrets cannot be decrypted: no age identity is known, or it cannot
// be read because of Err.
type IdentityError struct{ Err error }

// Error implements error.
func (e *IdentityError) Error() string {
	if e.Err == nil {
		return "no age identity is known that decrypts Secrets"
	}
	return "the age identity that decrypts Secrets cannot be read: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *IdentityError) Unwrap() error { return e.Err }

// TrustFileError means that a file of trusted signers was named and cannot be read.
type TrustFileError struct{ Err error }

// Error implements error.
func (e *TrustFileError) Error() string { return "trusted signers: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *TrustFileError) Unwrap() error { return e.Err }
