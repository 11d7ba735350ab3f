package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/internal/repository"
)

// signatureSuffix ends the name of the signature beside a report.
const signatureSuffix = ".sig"

// earlierDrills is how many drills before a report tells of.
const earlierDrills = 20

// checkDrillReports refuses files that a report cannot be written to, before any work.
func checkDrillReports(files []string) error {
	for _, file := range files {
		if _, known := drillreport.For(file); !known {
			return &usageError{appbur.WithHint(fmt.Errorf("--report: %s ends with neither .md nor .html nor .json", file),
				"name a file such as drill.html")}
		}
		if holder, err := os.Stat(filepath.Dir(file)); err != nil || !holder.IsDir() {
			return &usageError{appbur.WithHint(fmt.Errorf("--report: %s is no directory", filepath.Dir(file)),
				"name a file in a directory that you can write to")}
		}
	}
	return nil
}

// earlier are the drills before this one that somebody trusted has signed.
func (d *drill) earlier() ([]drillreport.Earlier, error) {
	trusted, err := d.restore.signers(d.e, d.repo)
	if err != nil || len(trusted) == 0 {
		return []drillreport.Earlier{}, nil // the point was accepted without a signature as well
	}
	reports, _, err := readDrills(d.repo, trusted)
	if err != nil {
		return nil, err
	}
	earlier := []drillreport.Earlier{}
	for _, report := range reports[:min(len(reports), earlierDrills)] {
		earlier = append(earlier, report.Brief())
	}
	return earlier, nil
}

// keptDrill is a report with who has signed it.
type keptDrill struct {
	drillreport.Report
	SignedBy string `json:"signedBy"`
}

// readDrills reads the reports that somebody trusted has signed, newest first.
func readDrills(repo *repository.Repository, trusted []byte) (reports []keptDrill, rejected []repository.RejectedDrill, err error) {
	stored, rejected, err := repo.Drills(trusted)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range stored {
		report := keptDrill{SignedBy: s.Signer}
		err := json.Unmarshal(s.Document, &report.Report)
		switch {
		case err != nil:
			rejected = append(rejected, repository.RejectedDrill{Name: string(s.ID), Err: fmt.Errorf("%w: %w", repository.ErrUnreadable, err)})
		case report.Format != drillreport.Format:
			rejected = append(rejected, repository.RejectedDrill{Name: string(s.ID), Err: appbur.WithHint(
				fmt.Errorf("%w: its format is %d, this release reads %d", repository.ErrUnreadable, report.Format, drillreport.Format),
				"use the appbur release that wrote it, or a later one")})
		case report.ID != string(s.ID):
			rejected = append(rejected, repository.RejectedDrill{
				Name: string(s.ID), Err: fmt.Errorf("%w: the report in it is of %s", repository.ErrUntrusted, report.ID),
			})
		default:
			reports = append(reports, report)
		}
	}
	return reports, rejected, nil
}

// keep stores the report, pushes it, and writes the files that were asked for.
func (d *drill) keep(ctx context.Context, report drillreport.Report) error {
	if err := d.writeFiles(report); err != nil {
		return err
	}
	if d.keys == nil {
		return nil
	}
	var document bytes.Buffer
	if err := drillreport.JSON(&document, report); err != nil {
		return err
	}
	err := d.repo.SaveDrill(ctx, d.keys, repository.DrillReport{
		ID: d.id, At: d.e.now(), Summary: report.Summary(), Document: document.Bytes(),
	})
	if err != nil || d.noPush {
		return err
	}

	done, err := d.e.replicate(ctx, d.repo, d.keys.Dir, nil)
	if err != nil || done == nil {
		return err
	}
	for _, r := range done.Remotes {
		if why := r.Error + r.DrillsError; why != "" {
			d.e.warnWithHint(fmt.Sprintf("remote %s does not have the report: %s", r.Remote, why), "it is kept here; the next push brings it")
		}
	}
	return nil
}

// writeFiles writes each report with its signature beside it, which stock ssh-keygen verifies.
func (d *drill) writeFiles(report drillreport.Report) error {
	for _, file := range d.reports {
		write, _ := drillreport.For(file)
		var text bytes.Buffer
		if err := write(&text, report); err != nil {
			return err
		}
		if err := durable.Replace(file, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("the report: %w", err)
		}
		if d.keys == nil {
			continue
		}
		signature, err := d.keys.Signer().Sign(text.Bytes())
		if err == nil {
			err = durable.Replace(file+signatureSuffix, signature, 0o644)
		}
		if err != nil {
			return fmt.Errorf("the signature of the report: %w", err)
		}
	}
	return nil
}

// errNotSigned is a report without a signature beside it.
var errNotSigned = errors.New("there is no signature beside it")
