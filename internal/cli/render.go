package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/rendered"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
	"github.com/appbur/appbur/pkg/seal"
)

type renderOptions struct {
	repositoryOptions
	partOptions
	rewrites     rewriteOptions
	point, dir   string
	to           string
	allowBlocked bool
	decrypt      bool
	recipients   []string
	json         bool
}

func newRender(e *env) *cobra.Command {
	o := &renderOptions{}
	command := &cobra.Command{
		Use:   "render POINT [KIND/NAME...] DIR --to VERSION",
		Short: "Write a point as plain manifests that kubectl, Argo CD and Flux apply",
		Long: `Write the objects of a restore point to DIR as plain manifests for a Kubernetes
version, without a cluster and without appbur when they are applied: one file for each object, in
numbered phases in the order in which a restore would apply them, each a kustomization, and one
kustomization for all. The same conversions, selection and changes as in ` + "`appbur plan`" + `.

Secrets stay SOPS files, for the recipients of the repository, unless --decrypt-secrets is given.
Owner references and status belong to one cluster and are left out; the answer says of what.

DIR must be empty, absent, or rendered before and unchanged since: then it is brought up to date,
and what is no longer in it is deleted. Nothing else is ever replaced or deleted.` +
			exitStatus("0  written", "5  the history was rewritten (docs/trust.md)", "10 no repository, no such point, or nothing that is meant",
				"12 a key or a signature was refused", "20 blocked objects and no --allow-blocked; nothing was written",
				"64 DIR has files of others, or files that were changed; nothing was written"),
		Example: `  appbur render latest ./rendered --to 1.37 --repo ./mgmt.git
  appbur render latest -n team-a ./rendered --to 1.37 --repo ./mgmt.git --map-namespace team-a=team-b
  appbur render latest ./rendered --to 1.37 --repo ./mgmt.git --recipient age1… --allow-blocked
  kubectl apply --server-side -k ./rendered/01-definitions`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			last := len(args) - 1
			o.point, o.words.Objects, o.dir = args[0], args[1:last], args[last]
			return renderRun(cmd.Context(), e, o)
		},
	}

	o.repositoryOptions.addFlags(e, command)
	o.addReadFlags(e, command)
	o.addHistoryFlags(e, command)
	o.addObjectFlags(command)
	o.rewrites.addFlags(command)
	f := command.Flags()
	f.StringVar(&o.to, "to", "", "Kubernetes `VERSION` to render for, such as 1.37 (required)")
	f.BoolVar(&o.allowBlocked, "allow-blocked", false, "go on without objects that this version cannot take")
	f.BoolVar(&o.decrypt, "decrypt-secrets", false, "write Secrets in clear, readable by the owner of the files only")
	f.StringArrayVar(&o.recipients, "recipient", nil,
		"age public `KEYS` that Secrets are encrypted to, instead of those of the repository; a comma-separated list, or repeatable")
	jsonFlag(command, &o.json)
	return command
}

func renderRun(ctx context.Context, e *env, o *renderOptions) error {
	version, err := o.read()
	if err != nil {
		return err
	}
	dir, err := rendered.Open(o.dir)
	if err != nil {
		return renderError(o.dir, err)
	}
	s, err := o.plan(ctx, e, version)
	if err != nil {
		return err
	}

	objects, err := s.plan.Plain()
	if err != nil {
		return err
	}
	about := rendered.About{Point: s.plan.Point, Target: version}
	var sealer rendered.Seal
	if !o.decrypt {
		if about.Recipients, sealer, err = o.sealer(e, s, dir); err != nil {
			return err
		}
	}
	set, err := rendered.NewSet(objects, about, sealer)
	if errors.Is(err, rendered.ErrNothing) {
		return appbur.WithHint(err, "look at `appbur compat cluster` with the same selection: all of it is blocked, or was left out")
	}
	if err != nil {
		return err
	}

	if err := dir.Write(set.Files); err != nil {
		return renderError(o.dir, err)
	}
	return e.printRendered(o, newRenderAnswer(o, s.plan, objects, set))
}

// read reads the command line, before anything else is read.
func (o *renderOptions) read() (appbur.KubeVersion, error) {
	if o.to == "" {
		return appbur.KubeVersion{}, &usageError{appbur.WithHint(errors.New("no version to render for"),
			"pass --to VERSION, for example --to 1.37")}
	}
	version, err := appbur.ParseKubeVersion(o.to)
	if err != nil {
		return version, &usageError{appbur.WithHint(fmt.Errorf("--to: %w", err), "name the release of the cluster, as in --to 1.37")}
	}
	if o.decrypt && len(o.recipients) > 0 {
		return version, &usageError{appbur.WithHint(errors.New("--recipient encrypts Secrets, and --decrypt-secrets does not"),
			"leave one of them out")}
	}
	return version, o.rewrites.read()
}

// renderSource is a plan with what it was made of.
type renderSource struct {
	plan   *restore.Plan
	repo   *repository.Repository
	loaded *repository.Loaded
	opener *seal.Opener
}

// plan plans for a cluster of the version that nothing else is known of.
func (o *renderOptions) plan(ctx context.Context, e *env, version appbur.KubeVersion) (s renderSource, err error) {
	selector, err := o.parse()
	if err != nil {
		return s, err
	}
	c, err := o.repositoryOptions.point(e, o.point)
	if err != nil {
		return s, err
	}
	if err := o.checkPolicy(e, c); err != nil {
		return s, err
	}
	if s.opener, err = o.opener(e, c.keys); err != nil {
		return s, err
	}
	s.repo = c.repo
	if s.loaded, err = e.loadPoint(ctx, c, s.opener); err != nil {
		return s, err
	}

	if end := compat.TableEnd(); beyond(version, end) {
		e.warn("what this release knows of Kubernetes ends with %s: of %s it knows only the removals that were announced until then",
			end.MinorString(), version.MinorString())
	}
	point, err := o.choose(e, selector, pause.AsBefore(restore.Unsilenced(pointOf(s.loaded))))
	if err != nil {
		return s, err
	}
	if point, err = o.rewrites.change(o.rewrites.changes, point); err != nil {
		return s, err
	}
	s.plan, err = restore.NewPlan(point, compat.TableTarget(version), restore.Options{Policy: restore.Policy{AllowBlocked: o.allowBlocked}})
	return s, err
}

// sealer encrypts to those who may read the repository, or to those that were named.
func (o *renderOptions) sealer(e *env, s renderSource, dir *rendered.Dir) (recipients []string, sealer rendered.Seal, err error) {
	recipients = s.repo.Config().Recipients
	if len(o.recipients) > 0 {
		recipients = listed(o.recipients)
	}
	// A file is kept while it opens to the same object, so no fingerprint has to last.
	fingerprint := make([]byte, seal.FingerprintKeySize)
	if _, err := e.rand.Read(fingerprint); err != nil {
		return nil, nil, err
	}
	sealing, err := seal.NewSealer(recipients, fingerprint, e.rand, e.now)
	if err != nil {
		err = appbur.WithHint(fmt.Errorf("the recipients of Secrets: %w", err), "pass --recipient with an age public key (age1…)")
		if len(o.recipients) > 0 {
			err = &usageError{err}
		}
		return nil, nil, err
	}

	stored := make(map[appbur.ObjectID]repository.Object)
	for _, object := range s.loaded.Objects {
		stored[object.ID] = object
	}
	earlier := func(path string, o restore.PlainObject) (files [][]byte) {
		if object, ok := stored[o.Object]; ok {
			if data, err := s.loaded.Stored(object); err == nil {
				files = append(files, data)
			}
		}
		return append(files, dir.Previous(path))
	}
	return recipients, rendered.Sealer{Sealer: sealing, Opener: s.opener, Recipients: recipients, Earlier: earlier}.Seal, nil
}

// renderError is about the directory.
func renderError(dir string, err error) error {
	if isType[*rendered.OccupiedError](err) {
		return &usageError{appbur.WithHint(err, "name an empty directory, or move away what is not to be lost: nothing was written")}
	}
	return fmt.Errorf("rendering into %s: %w", dir, err)
}
