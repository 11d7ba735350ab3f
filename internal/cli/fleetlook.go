package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/diagnosis"
	"github.com/appbur/appbur/internal/fleetcopies"
	"github.com/appbur/appbur/internal/fleetfile"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/compat"
)

// fleetEntry is a cluster of the list, or why nothing is known of it, or of which clusters an entry of the list stands for.
type fleetEntry struct {
	fleetfile.Cluster
	err error
}

// expand puts a cluster for each part of a remote in the place of an entry that stands for all of them.
func (o *fleetOptions) expand(ctx context.Context, list []fleetfile.Cluster) (entries []fleetEntry) {
	for _, c := range list {
		asking, cancel := context.WithTimeout(ctx, o.patience)
		all, err := o.remotes.each(asking, c)
		cancel()
		if err != nil {
			all = []fleetEntry{{c, err}}
		}
		entries = append(entries, all...)
	}
	return entries
}

// look says how one cluster is. What cannot be looked at is failing.
func (o *fleetOptions) look(ctx context.Context, e *env, c fleetEntry, version appbur.KubeVersion) fleetCluster {
	ctx, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	answer := fleetCluster{Name: c.Name, Repository: c.Repository, State: diagnosis.Failing, Wrong: []statusCheck{}}
	facts, err := diagnosis.Facts{}, c.err
	if err == nil {
		facts, err = o.facts(ctx, e, c.Cluster, version, &answer)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it took longer than %s: %w", o.patience, err)
		}
		answer.Error, answer.Hint = err.Error(), hintOf(err)
		return answer
	}

	report := diagnosis.Judge(facts)
	says := statusAnswerOf(facts, report)
	answer.State, answer.LastGoodPoint = report.State, says.LastGoodPoint
	if report.Good != nil {
		answer.Kubernetes = report.Good.Cluster.Version.String()
	}
	for _, check := range says.Checks {
		if check.State != diagnosis.OK {
			answer.Wrong = append(answer.Wrong, check)
		}
	}
	if answer.Judged[compat.Blocked]+answer.Judged[compat.Refused] > 0 {
		answer.State = diagnosis.Worse(answer.State, diagnosis.Warning)
	}
	return answer
}

// facts are those of a cluster. What a copy says that was kept and cannot be read is not believed: it is made anew, once.
func (o *fleetOptions) facts(ctx context.Context, e *env, c fleetfile.Cluster, version appbur.KubeVersion, answer *fleetCluster,
) (diagnosis.Facts, error) {
	facts, err := o.gather(ctx, e, c, version, answer, false)
	kept := answer.Copy == fleetcopies.Unchanged || answer.Copy == fleetcopies.Fetched
	if kept && ctx.Err() == nil && (damaged(err) || len(facts.Points.Rejected) > 0) {
		return o.gather(ctx, e, c, version, answer, true)
	}
	return facts, err
}

// damaged reports whether an error may be about a copy, and not about the cluster or what was asked.
func damaged(err error) bool {
	var usage *usageError
	return err != nil && !errors.As(err, &usage)
}

func (o *fleetOptions) gather(ctx context.Context, e *env, c fleetfile.Cluster, version appbur.KubeVersion, answer *fleetCluster, anew bool,
) (facts diagnosis.Facts, err error) {
	status := statusOf(c)
	status.greatestAge, status.grace = cmp.Or(c.MaxAge, o.greatestAge), o.grace
	status.copyOf = o.remotes.copyFor(anew, &answer.Copy)
	if version != (appbur.KubeVersion{}) {
		status.also = func(repo *repository.Repository, all repository.Catalog) (err error) {
			answer.Judged, err = judgeFor(ctx, repo, all, version)
			return err
		}
	}

	given := func(flag string) bool {
		return flag == "repo" && c.Repository != "" || flag == "keys" && c.Keys != ""
	}
	err = appbur.Guard(func() (err error) { // whatever a repository holds, the others are told
		facts, err = status.gather(ctx, e, given)
		return err
	})
	answer.Repository = cmp.Or(c.Repository, status.repo)
	return facts, err
}

// judgeFor counts what becomes of the objects of the last good point in a version of Kubernetes, nil if there is none.
func judgeFor(
	ctx context.Context, repo *repository.Repository, all repository.Catalog, version appbur.KubeVersion,
) (map[compat.VerdictKind]int, error) {
	good := slices.IndexFunc(all.Points, func(p appbur.RestorePoint) bool { return !p.Partial })
	if good < 0 {
		return nil, nil
	}
	at := slices.IndexFunc(all.Refs, func(r repository.PointRef) bool { return r.ID == all.Points[good].ID })
	if at < 0 {
		return nil, nil
	}

	loaded, err := repo.Load(ctx, all.Refs[at], nil)
	if err != nil {
		return nil, err
	}
	return verdictCounts(loaded, version), nil
}
