package cli

import (
	"context"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/restore"
)

// flagHint is the next step after a family of errors, in terms of flags. The rooms that
// make these errors know what is wrong, but not what the command line calls its cure.
type flagHint struct {
	matches func(error) bool
	hint    string
}

// flagHints come before the hints that errors carry. The first that matches decides.
var flagHints = []flagHint{
	{
		isAny(contract.ErrServerCertificate),
		"pass --app-ca FILE with the authority that signed the certificate of the application, and an address that the certificate is for",
	},
	{
		isAny(contract.ErrClientCertificate),
		"pass --app-cert FILE and --app-key FILE with a certificate that the application trusts; --app-ca says only whom to trust from here",
	},
	{
		isAny(contract.ErrPlaintext),
		"pass --app-ca FILE, use an address unix:///path, or pass --app-insecure if nobody else is on the way",
	},
	{
		contractCode(codes.Unauthenticated),
		"pass --app-token-file FILE, or --app-cert FILE and --app-key FILE, with what the application lets in",
	},
	{
		contractCode(codes.PermissionDenied),
		"pass --app-token-file FILE, or --app-cert FILE and --app-key FILE, of somebody who may do this; exporting and importing are separate rights",
	},
}

// hintOf is the next step after an error, "" if none is known. What the operating system
// said comes last: everything else knows more of what the user was doing.
func hintOf(err error) string {
	for _, h := range flagHints {
		if h.matches(err) {
			return h.hint
		}
	}
	if own := appbur.HintOf(err); own != "" {
		return own
	}
	return appbur.FileHint(err)
}

// hintingImporter makes a report speak of flags as well.
type hintingImporter struct{ restore.Importer }

// Import implements [restore.Importer].
func (i hintingImporter) Import(ctx context.Context, app appbur.AppState) (restore.Imported, error) {
	imported, err := i.Importer.Import(ctx, app)
	if hint := hintOf(err); hint != "" {
		err = appbur.WithHint(err, hint)
	}
	return imported, err
}
