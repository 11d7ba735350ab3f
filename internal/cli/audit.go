package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/history"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// auditOptions are what log, show, diff and blame share: a repository and the objects
// that are meant.
type auditOptions struct {
	repositoryOptions
	object    string
	namespace string
	json      bool
}

func (o *auditOptions) addFlags(e *env, command *cobra.Command) {
	command.Flags().StringVar(&o.repo, "repo", e.getenv(envRepository), "`DIR` of the repository (default: $"+envRepository+")")
	command.Flags().StringVarP(&o.namespace, "namespace", "n", "", "`NAMESPACE` of the object; without an object, everything in it")
	jsonFlag(command, &o.json)
}

func (o *auditOptions) addSignatureFlags(e *env, command *cobra.Command, show *bool) {
	command.Flags().BoolVar(show, "show-signature", false, "check the signature of each commit; exit with 12 if one is not good")
	command.Flags().StringVar(&o.keys, "keys", e.getenv(envKeys),
		"`DIR` of the repository's keys (default: $"+envKeys+", else where `appbur init` put them)")
	command.Flags().StringVar(&o.trust, "trust", "",
		"`FILE` in the format of allowed_signers: whose signatures to believe (default: the one in the key directory)")
}

// open opens the history and finds the objects that are meant.
func (o *auditOptions) open(ctx context.Context) (*repository.Repository, *history.History, history.Selection, error) {
	fail := func(err error) (*repository.Repository, *history.History, history.Selection, error) {
		return nil, nil, history.Selection{}, auditError(err)
	}
	repo, err := o.repositoryOptions.open()
	if err != nil {
		return fail(err)
	}

	selector, err := history.ParseSelector(o.object, o.namespace)
	if err != nil {
		return fail(err)
	}
	h, err := history.Open(repo)
	if err != nil {
		return fail(err)
	}
	selection, err := h.Select(ctx, selector)
	if err != nil {
		return fail(err)
	}
	return repo, h, selection, nil
}

// auditError gives errors of the history their family.
func auditError(err error) error {
	switch {
	case errors.Is(err, history.ErrNotFound):
		return &notFoundError{err}
	case errors.Is(err, history.ErrAmbiguous), errors.Is(err, history.ErrNotUnderstood):
		return &usageError{err}
	default:
		return err
	}
}

// trusted reads the trust root.
func (o *auditOptions) trusted(e *env, repo *repository.Repository) (seal.AllowedSigners, error) {
	keys, err := o.judgeKeys(e, repo)
	if err != nil {
		return nil, err
	}
	data, err := o.trustRoot(e, keys)
	if err != nil {
		return nil, err
	}
	return seal.ParseAllowedSigners(data)
}

// commitJSON is how a commit is printed (docs/json.md).
type commitJSON struct {
	Commit  gitsync.Hash   `json:"commit"`
	Parents []gitsync.Hash `json:"parents"`
	Time    time.Time      `json:"time"`
	Author  personJSON     `json:"author"`
	Subject string         `json:"subject"`
	repository.Provenance
	// Notes are what was learned after the commit was made; they have a signature of their own.
	Notes          []repository.Note       `json:"notes,omitempty"`
	NotesSignature *history.Signature      `json:"notesSignature,omitempty"`
	Points         []appbur.RestorePointID `json:"restorePoints"`
	Signature      *history.Signature      `json:"signature,omitempty"`
	Changes        []changeJSON            `json:"changes"`
}

type personJSON struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

type changeJSON struct {
	history.Change
	Fields []history.FieldChange `json:"fields,omitempty"`
}

// describe gathers what is printed of an entry of the log: with fields if there is a
// reader of them, with the state of the signature if somebody is trusted.
func describe(h *history.History, entry history.Entry, fields *history.FieldReader, trusted seal.AllowedSigners) (commitJSON, error) {
	c := entry.Commit
	d := commitJSON{
		Commit: c.Hash, Parents: append([]gitsync.Hash{}, c.Parents...), Time: c.Time.UTC(), Author: personJSON(c.Author), Subject: c.Subject(),
		Provenance: entry.Provenance, Notes: entry.Notes, Points: append([]appbur.RestorePointID{}, entry.Points...),
	}
	if trusted != nil {
		signature := history.CheckSignature(c, trusted)
		d.Signature = &signature
		if len(entry.Notes) > 0 {
			ofNotes := h.NotesSignature(trusted)
			d.NotesSignature = &ofNotes
		}
	}
	var err error
	d.Changes, err = describeChanges(entry.Changes, fields)
	return d, err
}

func describeChanges(changes []history.Change, fields *history.FieldReader) ([]changeJSON, error) {
	list := make([]changeJSON, len(changes))
	for i, change := range changes {
		list[i].Change = change
		if fields != nil {
			var err error
			if list[i].Fields, err = fields.Of(change); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// signed returns the code of the worst signature: all good is no error.
func signed(commits []commitJSON) error {
	for _, c := range commits {
		for _, signature := range []*history.Signature{c.Signature, c.NotesSignature} {
			if signature != nil && signature.State != history.SignatureGood {
				return errUntrusted
			}
		}
	}
	return nil
}

var errUntrusted = &outcome{ExitCredentials, "a signature is not good"}

// printChange writes a changed object and its fields: indented for a person, a line of
// tabs each for a pipe.
func (e *env) printChange(c changeJSON) {
	name := c.Object
	if name == "" {
		name = c.Path
	}
	version := ""
	if c.FromVersion != c.ToVersion && c.FromVersion != "" && c.ToVersion != "" {
		version = fmt.Sprintf(" (%s -> %s)", c.FromVersion, c.ToVersion)
	}

	if !e.OutTerminal {
		if len(c.Fields) == 0 {
			fmt.Fprintf(e.Out, "%s\t%s%s\n", c.What, name, version)
		}
		for _, f := range c.Fields {
			fmt.Fprintf(e.Out, "%s\t%s\t%s\t%s\n", c.What, name, orRoot(f.Path), fieldText(f))
		}
		return
	}

	fmt.Fprintf(e.Out, "%s %s%s\n", e.mark(string(c.What)), name, version)
	for _, f := range c.Fields {
		fmt.Fprintf(e.Out, "    %s %s: %s\n", e.mark(string(f.What)), orRoot(f.Path), fieldText(f))
	}
}

func orRoot(path string) string {
	if path == "" {
		return "(whole file)"
	}
	return oneLine(path)
}

// fieldText says how a field changed.
func fieldText(f history.FieldChange) string {
	switch {
	case f.Encrypted && f.What == history.Resealed:
		return "encrypted again, may have changed"
	case f.Encrypted:
		return "encrypted, " + string(f.What)
	case f.Path == "":
		return string(f.What)
	case f.What == history.Added:
		return "added " + valueText(f.To)
	case f.What == history.Removed:
		return "removed " + valueText(f.From)
	default:
		prefix := ""
		if f.What == history.Reordered {
			prefix = "reordered "
		}
		return prefix + valueText(f.From) + " -> " + valueText(f.To)
	}
}

// valueText writes a value on one line.
func valueText(value any) string {
	if text, ok := value.(string); ok && text != "" && !strings.ContainsAny(text, "\n\t") && text == oneLine(text) {
		return text
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return oneLine(fmt.Sprint(value))
	}
	return oneLine(string(encoded))
}

// printPatches writes one patch after the other.
func (e *env) printPatches(patches iter.Seq2[string, error]) error {
	for text, err := range patches {
		if err != nil {
			return err
		}
		e.printPatch(text)
	}
	return nil
}

// printPatch writes a unified diff, coloured for a person as git does.
func (e *env) printPatch(text string) {
	for line := range strings.Lines(text) {
		body, end := strings.CutSuffix(line, "\n")
		if e.OutTerminal {
			colour := ""
			switch {
			case strings.HasPrefix(body, "+++"), strings.HasPrefix(body, "---"), strings.HasPrefix(body, "diff "), strings.HasPrefix(body, "index "):
				colour = sgrBold
			case strings.HasPrefix(body, "+"):
				colour = sgrGreen
			case strings.HasPrefix(body, "-"):
				colour = sgrRed
			case strings.HasPrefix(body, "@@"):
				colour = sgrCyan
			}

			body = e.paint(colour, safeLine(body))
		}

		fmt.Fprint(e.Out, body)
		if end {
			fmt.Fprintln(e.Out)
		}
	}
}

// safeLine keeps text from a cluster from driving the terminal. Tabs may stay.
func safeLine(text string) string {
	parts := strings.Split(text, "\t")
	for i, part := range parts {
		parts[i] = oneLine(part)
	}
	return strings.Join(parts, "\t")
}
