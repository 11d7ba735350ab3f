package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/restore"
)

// savedPlanFormat is the version of the file that plan --out writes.
const savedPlanFormat = 1

// savedPlan is a plan that was looked at and is to be applied as it was, or not at all
// (docs/json.md). It holds no values of objects: the plan is made again, and has to be the same.
type savedPlan struct {
	Format int                   `json:"format"`
	Point  appbur.RestorePointID `json:"restorePoint"`
	Commit gitsync.Hash          `json:"commit"`
	Target savedTarget           `json:"target"`
	// Options are the flags that the plan depends on, Objects and Apps what was named.
	Options  []string `json:"options"`
	Objects  []string `json:"objects"`
	Apps     []string `json:"apps"`
	AppsAlso []string `json:"appsAlso"`
	// Digest is that of the plan, Steps those of its steps: they say what is no longer the same.
	Digest appbur.Digest `json:"digest"`
	Steps  []savedStep   `json:"steps"`
}

type savedTarget struct {
	// ID is "" where the account may not read it; the server is compared then.
	ID      string             `json:"id,omitempty"`
	Server  string             `json:"server"`
	Version appbur.KubeVersion `json:"kubernetesVersion"`
}

type savedStep struct {
	Action restore.Action  `json:"action"`
	Object appbur.ObjectID `json:"object"`
	Digest appbur.Digest   `json:"digest"`
}

// planMovedError is the error of a saved plan that is no longer what would be done.
type planMovedError struct{ what string }

func (e *planMovedError) Error() string { return "the saved plan no longer holds: " + e.what }

// choiceFlags are the flags that a plan depends on, bound to the options.
func (o *planOptions) choiceFlags() *pflag.FlagSet {
	command := &cobra.Command{}
	o.partOptions.addFlags(command)
	o.rewrites.addFlags(command)
	o.statuses.addFlags(command)
	o.pauses.addFlags(command)
	o.addPolicyFlags(command)
	o.pruning.addFlags(command)
	o.appOrder.addFlags(command)
	o.phases.addFlags(command)
	o.silence.addFlags(command)
	return command.Flags()
}

// save writes the plan to a file for `restore --plan`.
func (o *planOptions) save(path string, flags *pflag.FlagSet, made planned, target targetCluster) error {
	saved, err := o.saved(flags, made, target)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.Replace(path, append(data, '\n'), 0o600); err != nil {
		return appbur.WithHint(fmt.Errorf("--out: %w", err), "name a file in a directory that you can write to")
	}
	return nil
}

func (o *planOptions) saved(flags *pflag.FlagSet, made planned, target targetCluster) (savedPlan, error) {
	ref, err := made.repo.Resolve(string(made.plan.Point))
	if err != nil {
		return savedPlan{}, err
	}
	s := savedPlan{
		Format: savedPlanFormat, Point: made.plan.Point, Commit: ref.Commit,
		Target:  savedTarget{target.ID, target.Server, target.Version},
		Options: []string{}, Objects: append([]string{}, o.words.Objects...),
		Apps: append([]string{}, o.words.Apps...), AppsAlso: append([]string{}, o.words.AppsAlso...),
	}
	if s.Digest, err = made.plan.Digest(); err != nil {
		return savedPlan{}, err
	}

	(&planOptions{}).choiceFlags().VisitAll(func(known *pflag.Flag) {
		flag := flags.Lookup(known.Name)
		if flag == nil || !flag.Changed {
			return
		}
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			s.Options = append(s.Options, "--"+flag.Name+"="+value)
		}
	})
	for _, step := range made.plan.Steps {
		if step.Action.HasObject() {
			s.Steps = append(s.Steps, savedStep{step.Action, step.Object, step.Digest})
		}
	}
	return s, nil
}

// savedPlanHint is what to do about a file that is no plan.
const savedPlanHint = "`appbur plan POINT --out FILE` writes such a file"

// readSavedPlan reads a file of `plan --out`.
func readSavedPlan(path string) (savedPlan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return savedPlan{}, &usageError{appbur.WithHint(fmt.Errorf("--plan: %w", err), savedPlanHint)}
	}
	s, err := parseSavedPlan(data)
	if err != nil {
		return savedPlan{}, &usageError{appbur.WithHint(fmt.Errorf("--plan: %s is not a saved plan: %w", path, err), savedPlanHint)}
	}
	return s, nil
}

func parseSavedPlan(data []byte) (savedPlan, error) {
	var s savedPlan
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return savedPlan{}, errors.New("it is no JSON of this form, or damaged")
	}
	switch {
	case s.Format != savedPlanFormat:
		return savedPlan{}, fmt.Errorf("its format is %d, this release reads %d", s.Format, savedPlanFormat)
	case s.Point == "" || s.Commit.IsZero() || s.Digest == (appbur.Digest{}):
		return savedPlan{}, errors.New("it lacks the restore point, its commit or the digest of the plan")
	}
	return s, nil
}

// use takes the point and the options from the saved plan.
func (s savedPlan) use(o *planOptions, flags *pflag.FlagSet) error {
	var own []string
	known := o.choiceFlags() // binds the options anew, with their defaults
	known.VisitAll(func(flag *pflag.Flag) {
		if given := flags.Lookup(flag.Name); given != nil && given.Changed {
			own = append(own, "--"+flag.Name)
		}
	})
	if len(own) > 0 {
		return &usageError{appbur.WithHint(fmt.Errorf("--plan has its own options, and %s is one", own[0]),
			"leave it out, or make the plan again with it")}
	}

	if err := known.Parse(s.Options); err != nil || known.NArg() > 0 {
		return &usageError{appbur.WithHint(errors.New("--plan: the options of the saved plan are not understood"), savedPlanHint)}
	}
	o.point = string(s.Point)
	o.words.Objects, o.words.Apps, o.words.AppsAlso = s.Objects, s.Apps, s.AppsAlso
	return nil
}

// holds reports whether what was made is what was saved. The error says which part is another.
func (s savedPlan) holds(made planned, target targetCluster) error {
	ref, err := made.repo.Resolve(string(made.plan.Point))
	if err != nil {
		return err
	}
	digest, err := made.plan.Digest()
	if err != nil {
		return err
	}

	switch {
	case ref.Commit != s.Commit:
		return s.moved("the restore point %s is another one: commit %s, not %s", s.Point, ref.Commit, s.Commit)
	case s.Target.ID != target.ID || s.Target.ID == "" && s.Target.Server != target.Server:
		return s.moved("it was made for another cluster: %s, not %s", s.Target.name(), savedTarget{target.ID, target.Server, target.Version}.name())
	case s.Target.Version != target.Version:
		return s.moved("the target was upgraded since: it was Kubernetes %s and is %s", s.Target.Version, target.Version)
	case digest != s.Digest:
		return s.moved("%s", s.difference(made.plan))
	}
	return nil
}

func (t savedTarget) name() string {
	if t.ID == "" {
		return t.Server
	}
	return t.ID + " at " + t.Server
}

func (s savedPlan) moved(format string, args ...any) error {
	return appbur.WithHint(&planMovedError{fmt.Sprintf(format, args...)}, "make the plan again, look at it, and restore by that")
}

// difference says which steps are others, by their objects.
func (s savedPlan) difference(plan *restore.Plan) string {
	before := make(map[savedStep]bool, len(s.Steps))
	for _, step := range s.Steps {
		before[step] = true
	}
	var differ []string
	for _, step := range plan.Steps {
		key := savedStep{step.Action, step.Object, step.Digest}
		if step.Action.HasObject() && !before[key] {
			differ = append(differ, fmt.Sprintf("%s is now %s", step.Object, step.Action))
		}
		delete(before, key)
	}
	for step := range before {
		differ = append(differ, fmt.Sprintf("%s was %s", step.Object, step.Action))
	}

	slices.Sort(differ)
	if len(differ) == 0 {
		return "the order of the steps, or what is said about them, is another"
	}
	return "the target, or a file that the plan was made of, changed: " + appbur.Shortlist(differ, shownNames)
}
