package repository

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// The report about a drill is a signed tag of its own, of a commit without parents that has the report and nothing else
// (docs/formats/drill-report.md). Two machines that drill at the same time write two tags, and never two states of one ref
// that somebody would have to join: nothing moves, nothing is forced. It stays when its restore point is deleted, and keeps
// nothing of the point from being pruned.
const (
	drillTagPrefix = "drill-reports/"
	drillFile      = "drill.json"
)

// DrillID names a drill: when it began, and something that no other drill has.
type DrillID string

// drillIDPattern is what [NewDrillID] makes.
var drillIDPattern = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$`)

// NewDrillID names a drill that begins now.
func NewDrillID(began time.Time, random io.Reader) (DrillID, error) {
	var own [4]byte
	if _, err := io.ReadFull(random, own[:]); err != nil {
		return "", fmt.Errorf("name a drill: %w", err)
	}
	return DrillID(began.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(own[:])), nil
}

// DrillReport is a report as it is stored.
type DrillReport struct {
	ID DrillID
	At time.Time
	// Summary says it in one line.
	Summary string
	// Document is the report, JSON with its id in the field "id".
	Document []byte
	// Signer is who has signed it, "" where nobody was asked for.
	Signer string
}

// SaveDrill stores a report, signed.
func (r *Repository) SaveDrill(ctx context.Context, keys *keyring.Keys, d DrillReport) error {
	edit, err := r.git.Edit(gitsync.Hash{})
	if err != nil {
		return err
	}
	defer edit.Discard()
	if _, err := edit.Put(drillFile, d.Document); err != nil {
		return err
	}
	subject := "Drill " + string(d.ID)
	_, _, err = r.git.CommitAndTag(ctx, drillTagPrefix+string(d.ID), edit, gitsync.Hash{}, gitsync.CommitInfo{
		Author: identity, Committer: identity, Time: d.At, Signer: keys.Signer(), Subject: subject, Body: d.Summary,
	}, gitsync.TagInfo{Tagger: identity, Time: d.At, Signer: keys.Signer(), Message: subject + "\n\n" + d.Summary})
	if err != nil {
		return fmt.Errorf("store the report about drill %s: %w", d.ID, err)
	}
	return nil
}

// RejectedDrill is a tag below the prefix that counts for nothing, and why.
type RejectedDrill struct {
	Name string
	Err  error
}

// ErrNoDrill means that there is no such report.
var ErrNoDrill = errors.New("no such drill")

// Drills lists the reports, newest first. Those without a signature of somebody in the allowed_signers file, those that
// stand under another name than they were signed under, and those that cannot be read, are left out with the reason.
func (r *Repository) Drills(allowedSigners []byte) (list []DrillReport, rejected []RejectedDrill, err error) {
	signers, err := parseSigners(allowedSigners)
	if err != nil {
		return nil, nil, err
	}
	tags, err := r.git.Tags(drillTagPrefix)
	if err != nil {
		return nil, nil, err
	}
	for _, tag := range tags {
		report, err := r.readDrill(tag, signers)
		if err != nil {
			rejected = append(rejected, RejectedDrill{strings.TrimPrefix(tag.Name, drillTagPrefix), err})
			continue
		}
		list = append(list, report)
	}
	slices.SortFunc(list, func(a, b DrillReport) int { return strings.Compare(string(b.ID), string(a.ID)) })
	return list, rejected, nil
}

func (r *Repository) readDrill(tag gitsync.Tag, signers seal.AllowedSigners) (DrillReport, error) {
	name := strings.TrimPrefix(tag.Name, drillTagPrefix)
	if !drillIDPattern.MatchString(name) {
		return DrillReport{}, fmt.Errorf("%w: %q is no name of a drill", ErrUnreadable, name)
	}
	if tag.Damage != nil {
		return DrillReport{}, fmt.Errorf("%w: %w", ErrUnreadable, tag.Damage)
	}
	if len(tag.Signature) == 0 {
		return DrillReport{}, appbur.WithHint(fmt.Errorf("%w: drill %s", ErrUnsigned, name), "somebody else may have made this tag")
	}
	signer, err := signers.Verify(tag.Payload, tag.Signature, tag.Time)
	if err != nil {
		return DrillReport{}, fmt.Errorf("%w: drill %s: %w", ErrUntrusted, name, err)
	}

	snapshot, err := r.git.Snapshot(tag.Commit)
	if err != nil {
		return DrillReport{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	document, err := snapshot.ReadDescription(drillFile)
	if err != nil {
		return DrillReport{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	// The name of a ref is not signed: what the tag calls itself is.
	subject, body, _ := strings.Cut(tag.Message, "\n\n")
	if strings.TrimSpace(subject) != "Drill "+name {
		return DrillReport{}, fmt.Errorf("%w: it was signed as %q, and stands under the name %s", ErrUntrusted, strings.TrimSpace(subject), name)
	}
	return DrillReport{ID: DrillID(name), At: tag.Time, Summary: strings.TrimSpace(body), Document: document, Signer: signer}, nil
}
