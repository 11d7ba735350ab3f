package repository

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// policyLoss says how an entry of one section of the rules makes a backup hold less,
// or hold more in clear.
type policyLoss struct {
	section string
	// loses reports whether an entry that was added, or one that was removed, does.
	added, removed func(entry *yaml.Node) bool
	what           string
}

func always(*yaml.Node) bool { return true }
func never(*yaml.Node) bool  { return false }

// policyLosses is the table of what has to be agreed to. A changed entry is one that
// was removed and one that was added. Whatever is not here only saves or seals more.
var policyLosses = []policyLoss{
	{"sensitive", never, always, "seals no longer"},
	{"exclude", always, never, "leaves out"},
	// Whatever an include section does not name is left out; removing an entry of it, or
	// adding the first, saves less.
	{"include", never, always, "saves no longer"},
	// Every effect of a field rule takes the field out of the manifest.
	{"fields", always, never, "takes out of manifests"},
}

// PolicyLosses says, in words, what one configuration seals or saves less than another,
// or lets a backup remove without being told. No one may decide that by a push alone.
func PolicyLosses(before, after Config) []string {
	var losses []string
	for _, loss := range policyLosses {
		old, fresh := entriesOf(&before.Policy, loss.section), entriesOf(&after.Policy, loss.section)
		for _, entry := range entriesWithout(fresh, old) {
			if loss.added(entry) {
				losses = append(losses, loss.what+" "+inline(entry))
			}
		}
		// An include section that goes completely leaves nothing out any more.
		if loss.section == "include" && len(fresh) == 0 {
			continue
		}
		for _, entry := range entriesWithout(old, fresh) {
			if loss.removed(entry) {
				losses = append(losses, loss.what+" "+inline(entry))
			}
		}
	}

	if fresh := entriesOf(&after.Policy, "include"); len(fresh) > 0 && len(entriesOf(&before.Policy, "include")) == 0 {
		losses = append(losses, "saves only what include names")
	}
	losses = append(losses, retirementLosses(before.Retired(), after.Retired())...)
	return append(losses, limitLosses(before.limits(), after.limits())...)
}

// retirementLosses are the applications that a backup may lack from now on.
func retirementLosses(before, after []Retirement) []string {
	var losses []string
	for _, r := range after {
		held := slices.ContainsFunc(before, func(b Retirement) bool { return b.Name == r.Name && b.Sequence >= r.Sequence })
		if !held {
			losses = append(losses, "calls a backup complete without the application "+r.Name)
		}
	}
	return losses
}

// limitLosses compares what guards let go.
func limitLosses(before, after Limits) []string {
	var losses []string
	for _, l := range []struct {
		name          string
		before, after float64
	}{
		{"share", before.Share, after.Share},
		{"floor", float64(before.Floor), float64(after.Floor)},
		{"kindShare", before.KindShare, after.KindShare},
		{"kindFloor", float64(before.KindFloor), float64(after.KindFloor)},
	} {
		if l.after > l.before {
			losses = append(losses, fmt.Sprintf("lets more go without being told: guards.%s is %v, it was %v", l.name, l.after, l.before))
		}
	}
	return losses
}

func entriesOf(policy *yaml.Node, section string) []*yaml.Node {
	if policy.Kind != yaml.MappingNode {
		return nil
	}
	list := valueOf(policy, section)
	if list == nil {
		return nil
	}
	return list.Content
}

// entriesWithout returns the entries that another list does not have.
func entriesWithout(list, other []*yaml.Node) []*yaml.Node {
	var left []*yaml.Node
	for _, entry := range list {
		found := false
		for _, o := range other {
			found = found || sameValue(entry, o)
		}
		if !found {
			left = append(left, entry)
		}
	}
	return left
}

// inline writes an entry in one line.
func inline(entry *yaml.Node) string {
	flow := *entry
	flow.Style, flow.HeadComment, flow.LineComment, flow.FootComment = yaml.FlowStyle, "", "", ""
	text, err := yaml.Marshal(&flow)
	if err != nil {
		return fmt.Sprintf("the entry in line %d", entry.Line)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

func joinLosses(losses []string) string { return strings.Join(losses, "; ") }
