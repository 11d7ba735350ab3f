package cli

import (
	"context"
	"io/fs"
	"syscall"

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

// lastHints are for errors that carry none: what the operating system said.
var lastHints = []flagHint{
	{isAny(fs.ErrPermission), "look at who may use this file, or name another"},
	{isAny(syscall.EROFS), "name a place that can be written to"},
	{isAny(syscall.ENOSPC, syscall.EDQUOT), "free some space there, or name another place"},
	{isAny(fs.ErrNotExist), "check the path; the directory that it lies in must be one that files can be made in"},
	{isAny(fs.ErrExist, syscall.ENOTDIR, syscall.EISDIR), "name another place, where nothing is in the way"},
}

// hintOf is the next step after an error, "" if none is known.
func hintOf(err error) string {
	for _, h := range flagHints {
		if h.matches(err) {
			return h.hint
		}
	}
	if own := appbur.HintOf(err); own != "" {
		return own
	}
	for _, h := range lastHints {
		if h.matches(err) {
			return h.hint
		}
	}
	return ""
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
