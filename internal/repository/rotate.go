package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// Rotation says which keys to change.
type Rotation struct {
	// Add and Remove are age public keys. Adding one that is there already changes
	// nothing; removing one that is not is an error.
	Add, Remove []string
	// Identity makes a new age key pair: its recipient is added, its identity is
	// appended to identity.txt in the key directory. The old identity stays there,
	// because restore points of before need it.
	Identity bool
	// Fingerprint makes a new fingerprint key.
	Fingerprint bool
	// Signing makes a new signing key. The old public key stays in allowed_signers
	// for what it signed up to now.
	Signing bool
	// AcceptHistory goes on from a history that is not the one seen before; the
	// commit records it.
	AcceptHistory bool
	// Progress is called with how many manifests of how many were looked at; it may be nil.
	Progress func(done, total int)
}

// Rotated says what a rotation did.
type Rotated struct {
	// Commit is the tip of main, new or old.
	Commit gitsync.Hash
	// Committed is false when nothing on main had to change.
	Committed bool
	// Recipients are those that can decrypt main from now on.
	Recipients []string
	// Resealed counts the manifests that were sealed anew.
	Resealed int
	// Recipient is that of the new identity, "" if none was made.
	Recipient string
	// SigningKey is the new public key as one line, "" if none was made.
	SigningKey string
	// Points are the restore points that stay as they were: encrypted to the
	// recipients of their time, as is the history of main. A recipient that was
	// removed can still read them, one that was added cannot.
	Points []appbur.RestorePointID
}

// ErrRotation means that a rotation was asked for that makes no sense.
var ErrRotation = errors.New("the keys cannot be changed like that")

// Rotate changes keys. If recipients or the fingerprint key change, every sealed
// manifest on main is opened and sealed anew in one signed commit, which needs an
// opener; values stay in memory. What it seals, the next backup keeps. Writers
// that began before fail at their next commit and have to begin again.
//
// A new identity is written first: it must not be lost once something is encrypted
// to it. Other keys are replaced after the commit. If that fails, the error comes
// with what was done; the next backup then seals everything anew, at worst. Every
// other error leaves the repository as it was.
func (r *Repository) Rotate(ctx context.Context, keys *keyring.Keys, opener *seal.Opener, change Rotation, random io.Reader,
	now func() time.Time,
) (Rotated, error) {
	if len(change.Add)+len(change.Remove) == 0 && !change.Identity && !change.Fingerprint && !change.Signing {
		return Rotated{}, appbur.WithHint(fmt.Errorf("%w: nothing is to be changed", ErrRotation),
			"say which recipients to add or remove, or which key to replace")
	}

	// One commit is judged, read and built on, whatever was there when the repository was
	// opened and whatever is pushed meanwhile. Other writers wait, for sealing all anew
	// takes longer than they leave between two commits.
	turn, err := r.git.TakeTurn(ctx)
	if err != nil {
		return Rotated{}, err
	}
	defer turn.Release()

	tip, accepted, err := r.guardHistory(keys, change.AcceptHistory)
	if err != nil {
		return Rotated{}, err
	}
	edit, err := r.git.Edit(tip)
	if err != nil {
		return Rotated{}, err
	}

	config, err := r.configAt(tip)
	if err != nil {
		return Rotated{}, err
	}
	before := slices.Clone(config.Recipients)
	fresh, err := seal.GenerateKeys(random, keyring.Principal)
	if err != nil {
		return Rotated{}, err
	}
	done := Rotated{Commit: tip}

	if change.Identity {
		done.Recipient = fresh.Recipient
		change.Add = append(slices.Clone(change.Add), fresh.Recipient)
	}
	if config.Recipients, err = change.recipients(before); err != nil {
		return Rotated{}, err
	}
	done.Recipients = config.Recipients
	fingerprint := keys.FingerprintKey()
	if change.Fingerprint {
		fingerprint = fresh.FingerprintKey
	}

	if sealsAnew := change.Fingerprint || !slices.Equal(before, config.Recipients); sealsAnew {
		sealer, err := seal.NewSealer(config.Recipients, fingerprint, random, now)
		if err != nil {
			return Rotated{}, err
		}
		if done.Resealed, err = resealAll(ctx, edit, sealer, opener, change.Progress); err != nil {
			return Rotated{}, err
		}
	}

	if !slices.Equal(before, config.Recipients) {
		if done.Points, err = r.pointIDs(); err != nil {
			return Rotated{}, err
		}
	}
	if change.Identity {
		if err := keyring.AppendIdentity(keys.Dir, fresh, now()); err != nil {
			return Rotated{}, err
		}
	}

	encoded, err := config.encode()
	if err != nil {
		return Rotated{}, err
	}
	if _, err := edit.Put(appbur.RepositoryFile, encoded); err != nil {
		return Rotated{}, err
	}

	at := now()
	commit, err := turn.Commit(ctx, gitsync.MainRef, edit, gitsync.CommitInfo{
		Author: identity, Committer: identity, Time: at, Signer: keys.Signer(),
		Subject: fmt.Sprintf("Rotate keys: %d manifests sealed anew", done.Resealed),
		Body:    change.describe(before, config.Recipients),
		Trailers: append(overrideTrailers(accepted), []gitsync.Trailer{
			{Key: trailerCluster, Value: config.Cluster.ID},
			{Key: trailerRotation, Value: fmt.Sprintf("recipients=%d sealed=%d", len(config.Recipients), done.Resealed)},
		}...),
	})
	if err != nil && !errors.Is(err, gitsync.ErrUnchanged) {
		return Rotated{}, err
	}

	done.Commit, done.Committed = commit, err == nil
	config.text = encoded
	r.config, r.tip = config, commit
	if change.Fingerprint {
		if err := keys.ReplaceFingerprint(fingerprint); err != nil {
			return done, err
		}
	}

	if change.Signing {
		if err := keys.ReplaceSigner(fresh, at); err != nil {
			return done, err
		}
		done.SigningKey = fresh.AuthorizedKey
	}
	return done, r.Remember(keys.Dir, commit, at)
}

// recipients returns the list that a rotation makes of another one, in its order.
func (c Rotation) recipients(before []string) ([]string, error) {
	after := slices.Clone(before)
	for _, add := range c.Add {
		if slices.Contains(c.Remove, add) {
			return nil, fmt.Errorf("%w: %s is to be added and removed", ErrRotation, add)
		}
		if !slices.Contains(after, add) {
			after = append(after, add)
		}
	}

	for _, remove := range c.Remove {
		if !slices.Contains(after, remove) {
			return nil, appbur.WithHint(fmt.Errorf("%w: %s is no recipient", ErrRotation, remove), "the recipients are "+strings.Join(before, ", "))
		}
		after = slices.DeleteFunc(after, func(one string) bool { return one == remove })
	}

	if len(after) == 0 {
		return nil, appbur.WithHint(fmt.Errorf("%w: no recipient would be left, so nobody could decrypt the next backup", ErrRotation),
			"add another recipient at the same time")
	}
	return after, nil
}

// describe lists the changes for the body of the commit.
func (c Rotation) describe(before, after []string) string {
	var lines []string
	for _, one := range after {
		if !slices.Contains(before, one) {
			lines = append(lines, "+ recipient "+one)
		}
	}
	for _, one := range before {
		if !slices.Contains(after, one) {
			lines = append(lines, "- recipient "+one)
		}
	}
	if c.Fingerprint {
		lines = append(lines, "~ fingerprint key")
	}
	return strings.Join(lines, "\n")
}

// resealAll seals every sealed manifest of an edit anew and returns how many there
// are.
func resealAll(
	ctx context.Context, edit *gitsync.Edit, sealer *seal.Sealer, opener *seal.Opener, progress func(done, total int),
) (int, error) {
	paths, err := edit.Paths("")
	if err != nil {
		return 0, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	count := 0

	for i, path := range paths {
		if progress != nil {
			progress(i, len(paths))
		}
		if !appbur.IsManifestPath(path) {
			continue
		}
		data, err := edit.ReadFile(path)
		if err != nil {
			return 0, errors.Join(err, group.Wait())
		}
		if !seal.IsSealed(data) {
			continue
		}
		count++
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return reseal(edit, path, data, sealer, opener)
		})
	}

	return count, group.Wait()
}

func reseal(edit *gitsync.Edit, path string, data []byte, sealer *seal.Sealer, opener *seal.Opener) error {
	if opener == nil {
		return &keyring.Error{Err: because(ReasonSealedFile, fmt.Errorf("%s is encrypted and has to be sealed anew", path))}
	}
	resealed, err := sealer.ResealManifest(data, opener, canonical)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = edit.Put(path, resealed)
	return err
}

// canonical brings an opened manifest into the form in which the rules make it.
func canonical(opened []byte) ([]byte, error) {
	content, err := manifest.Decode(opened)
	if err != nil {
		return nil, err
	}
	return manifest.Encode(content)
}

func (r *Repository) pointIDs() ([]appbur.RestorePointID, error) {
	refs, err := r.Points()
	if err != nil {
		return nil, err
	}
	ids := make([]appbur.RestorePointID, len(refs))
	for i, ref := range refs {
		ids[i] = ref.ID
	}
	return ids, nil
}
