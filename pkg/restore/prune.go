package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// ErrPrunePartial is the error of a prune by a point that does not have everything.
var ErrPrunePartial = errors.New("the restore point is partial: what it does not have may have been there")

// Kept is an object that the point does not have and that a prune leaves.
type Kept struct {
	Object appbur.ObjectID `json:"object"`
	Why    string          `json:"why"`
}

// Prune adds to a plan the deletion of what was added to the target: what the chosen part
// covers, the rules would save, somebody else than Kubernetes wrote, and the point does not
// have. It reads the target and changes nothing. Never deleted are namespaces, definitions
// and what holds data ([stays]), what belongs to something that stays or owns something that
// stays, and in the cluster that the point was taken of what is older than the point: that was
// there, and a rule left it out.
//
// Deletions come after all else, and only if nothing of that failed; custom resources first, while
// what works for their finalizers still runs.
func Prune(ctx context.Context, p *Plan, c Cluster, rules *manifest.Rules) error {
	if p.partial {
		return ErrPrunePartial
	}
	w := newWorker(Applier{Cluster: c, Rules: rules}, p.Policy)
	s, err := newSearch(ctx, w, rules, p)
	if err != nil {
		return fmt.Errorf("looking for what was added: %w", err)
	}
	all := &found{}
	f := &pruning{search: s, plan: p, byUID: make(map[string]*pruned)}
	err = s.run(ctx, all.add, all.unreadable)
	if err != nil {
		return fmt.Errorf("looking for what was added: %w", err)
	}

	p.Kept = append(p.Kept, all.unread...)
	for _, a := range all.added {
		f.add(a)
	}
	if err := f.settle(ctx); err != nil {
		return fmt.Errorf("looking for what belongs to what was added: %w", err)
	}
	p.Policy.Prune = true
	f.write()
	for _, kind := range s.notListed {
		p.Notes = append(p.Notes, Note{
			Kind: NoteTarget, What: fmt.Sprintf("%s cannot be listed: what was added of it is not known, and stays", kind),
		})
	}
	return nil
}

// pruning is the work of [Prune].
type pruning struct {
	search *search
	plan   *Plan
	byUID  map[string]*pruned
	list   []*pruned
	// unmakes is true for what a restore made, and its owners are no reason to keep it.
	unmakes bool
}

// pruned is an addition that is deleted, or kept for a reason.
type pruned struct {
	addition
	owners []string
	kept   string
	search *search
	// made is true for what a restore made: its uid alone decides.
	made bool
}

func (f *pruning) add(a addition) {
	one := &pruned{addition: a, owners: strings.Fields(a.identity.Owners), kept: f.reasonToKeep(a), search: f.search, made: f.unmakes}
	f.byUID[a.identity.UID] = one
	f.list = append(f.list, one)
}

func (f *pruning) reasonToKeep(a addition) string {
	if why := staying(a.id, a.live, f.unmakes); why != "" {
		return why
	}
	if f.unmakes {
		return ""
	}
	made, err := time.Parse(time.RFC3339, text(a.live, "metadata", "creationTimestamp"))
	if f.search.own && err == nil && made.Before(f.plan.taken.Truncate(time.Second)) {
		return "it is older than the restore point, which left it out"
	}
	return ""
}

// settle keeps what belongs to something that stays, and what owns something that stays: the
// garbage collector of the target would delete that as well. It ends, because each round
// keeps more.
func (f *pruning) settle(ctx context.Context) error {
	for changed := true; changed; {
		changed = false
		for _, one := range f.list {
			if one.kept == "" && !f.unmakes && slices.ContainsFunc(one.owners, func(uid string) bool { return !f.goes(uid) }) {
				one.kept, changed = "it belongs to "+ownersText(one.live)+", which is not deleted", true
			}
		}
		for kind, existing := range f.search.listed {
			for id, identity := range existing {
				if identity.Owners == "" || f.goes(identity.UID) {
					continue
				}
				more, err := f.keepOwners(ctx, id, kind.apiVersion, identity)
				if err != nil {
					return err
				}
				changed = changed || more
			}
		}
		filled, err := f.keepFilled(ctx)
		if err != nil {
			return err
		}
		changed = changed || filled
	}
	return nil
}

// goes reports whether the object with this uid is deleted.
func (f *pruning) goes(uid string) bool { return f.byUID[uid] != nil && f.byUID[uid].kept == "" }

// keepOwners keeps the owners of an object that stays. What the cluster makes by itself goes
// with its owner.
func (f *pruning) keepOwners(ctx context.Context, id appbur.ObjectID, apiVersion string, identity Identity) (bool, error) {
	owners := slices.DeleteFunc(strings.Fields(identity.Owners), func(uid string) bool { return !f.goes(uid) })
	if len(owners) == 0 {
		return false, nil
	}
	if f.byUID[identity.UID] == nil && !f.search.holds(id) {
		if derived, err := f.isDerived(ctx, id, apiVersion); derived || err != nil {
			return false, err
		}
	}
	for _, uid := range owners {
		f.byUID[uid].kept = fmt.Sprintf("it owns %s, which is not deleted", id)
	}
	return true, nil
}

func ownersText(live map[string]any) string {
	var names []string
	for _, owner := range list(live, "metadata", "ownerReferences") {
		names = append(names, text(owner, "kind")+"/"+text(owner, "name"))
	}
	return appbur.Shortlist(names, shownManagers)
}

type pruneStage struct {
	holds  func(appbur.GroupKind) bool
	reason string
}

// pruneStages is the order of deletions: what was restored last goes first, but custom
// resources go before everything.
var pruneStages = []pruneStage{
	{
		func(kind appbur.GroupKind) bool { return !manifest.IsBuiltIn(kind.Group) },
		"what is deleted comes after everything that is restored; custom resources first, while what ends their finalizers runs",
	},
	{inStages(stageAdmission, stageAdmission), "an admission rule could refuse the deletions that follow"},
	{inStages(stagePods, stageGuards), "workloads end while what they use is still there"},
	{
		func(kind appbur.GroupKind) bool { return !isContainer(kind) && inStages(stageState, stageState)(kind) },
		"what others may have used goes after them",
	},
	{isContainer, "what lies in them is gone, or goes with them"},
}

func isContainer(kind appbur.GroupKind) bool { return kind == kindNamespace || kind == kindDefinition }

func inStages(first, last stage) func(appbur.GroupKind) bool {
	return func(kind appbur.GroupKind) bool {
		at, _ := placeOf(kind)
		return manifest.IsBuiltIn(kind.Group) && at >= first && at <= last
	}
}

// stageOf is the place in pruneStages: not before that of an owner.
func (f *pruning) stageOf(one *pruned, depth int) int {
	at := slices.IndexFunc(pruneStages, func(s pruneStage) bool { return s.holds(one.id.GroupKind()) })
	for _, uid := range one.owners {
		if depth < len(f.list) && f.goes(uid) {
			at = max(at, f.stageOf(f.byUID[uid], depth+1))
		}
	}
	return at
}

// depth counts the owners above: an owner is deleted before what it owns, as its controller
// may want it.
func (f *pruning) depth(one *pruned, above int) int {
	deepest := above
	for _, uid := range one.owners {
		if above < len(f.list) && f.goes(uid) {
			deepest = max(deepest, f.depth(f.byUID[uid], above+1))
		}
	}
	return deepest
}

// write adds the steps to the plan.
func (f *pruning) write() {
	type placed struct {
		*pruned
		stage, depth int
	}
	var going []placed
	for _, one := range f.list {
		if one.kept == "" {
			going = append(going, placed{one, f.stageOf(one, 0), f.depth(one, 0)})
			continue
		}
		if !one.controlled { // what a controller makes is no addition
			f.plan.Kept = append(f.plan.Kept, Kept{one.id, one.kept})
		}
	}
	slices.SortFunc(f.plan.Kept, func(a, b Kept) int { return a.Object.Compare(b.Object) })
	slices.SortFunc(going, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.depth, b.depth), a.id.Compare(b.id))
	})

	ids := make(map[string]int, len(going)) // of steps, by uid
	stage, barrier := -1, 0
	var before []int // the steps of the stage before
	for _, one := range going {
		if one.stage != stage {
			after, needs := before, []int(nil)
			if stage < 0 {
				after = f.plan.lastSteps()
			} else if stage == 0 {
				needs = before // what ends a finalizer is not deleted while the finalizer waits
			}
			stage, before = one.stage, nil
			barrier = f.plan.addStep(Step{Action: ActionBarrier, Why: pruneStages[stage].reason, After: after, Needs: needs})
		}
		step := f.step(one.pruned)
		step.After, step.Needs = []int{barrier}, []int{barrier}
		for _, uid := range one.owners {
			if ids[uid] == 0 {
				continue // of what a restore made, whose owner stays
			}
			step.After, step.Needs = append(step.After, ids[uid]), append(step.Needs, ids[uid])
		}
		ids[one.identity.UID] = f.plan.addStep(step)
		before = append(before, ids[one.identity.UID])
	}
}

func (f *pruning) step(one *pruned) Step {
	why := one.what()
	if f.unmakes {
		why = "the restore made it; it was not there before"
	} else if len(one.owners) > 0 {
		why = "goes with " + ownersText(one.live) + ", which owns it"
	}
	unloaded := *one
	unloaded.live = nil // it can be read again
	return Step{
		Action: ActionPrune, Object: one.id, APIVersion: one.apiVersion, Why: why,
		Digest:  appbur.DigestOf([]byte(one.identity.UID)),
		details: &StepDetails{UID: one.identity.UID, pruned: &unloaded},
	}
}

// addStep adds a step at the end of a plan, and returns its id.
func (p *Plan) addStep(step Step) int {
	step.ID = len(p.Steps) + 1
	slices.Sort(step.After)
	slices.Sort(step.Needs)
	p.Steps = append(p.Steps, &step)
	return step.ID
}

// lastSteps are the steps that no other one comes after.
func (p *Plan) lastSteps() []int {
	inner := make([]bool, len(p.Steps)+1)
	for _, step := range p.Steps {
		for _, before := range step.After {
			inner[before] = true
		}
	}
	var last []int
	for _, step := range p.Steps {
		if !inner[step.ID] {
			last = append(last, step.ID)
		}
	}
	return last
}

// Prunes returns the steps that delete.
func (p *Plan) Prunes() []*Step {
	var prunes []*Step
	for _, step := range p.Steps {
		if step.Action == ActionPrune {
			prunes = append(prunes, step)
		}
	}
	return prunes
}
