package cli

import "github.com/appbur/appbur/internal/keyring"

// keyringHintRules are the next steps after errors of a key directory.
var keyringHintRules = []hintRule{
	{isType[*keyring.ExistsError], "pass --keys with another directory; keys are never replaced"},
	{isType[*keyring.MissingError], "pass --keys DIR, the directory that `appbur init` printed"},
	{isType[*keyring.IdentityError], "pass --identity FILE with the identity that `appbur init` made, or set SOPS_AGE_KEY_FILE"},
	{isType[*keyring.TrustFileError], "pass --trust FILE in the format of allowed_signers"},
	{isAny(keyring.ErrNobodyTrusted), "pass --trust FILE with the allowed_signers of the machine that takes the backups"},
}
