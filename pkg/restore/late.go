package restore

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// lateRule names fields of one object that act on others at the moment these are
// created, and never later: they fill in what was left empty, or refuse. The source
// may hold objects that are older than the field, so it is set after them. The
// object itself is needed earlier by those that name it, so it is prepared without
// the field, and completed in [stageLimits].
type lateRule struct {
	name   string
	reason string
	kind   appbur.GroupKind
	fields [][]string
	// acts reports whether a value of one of the fields has an effect.
	acts func(value any) bool
	// meets reports whether the point has objects that it would act on.
	meets func(holder appbur.ObjectID, s *scope) bool
}

// defaultClass says how a class is marked as the default of its kind, and where
// admission writes its name when an object leaves it empty.
type defaultClass struct {
	class appbur.GroupKind
	// marks are the fields of the class, any of which makes it the default.
	marks [][]string
	user  appbur.GroupKind
	field []string
	// older are annotations that named the class before the field did.
	older [][]string
	// source says where admission does it.
	source string
}

var defaultClasses = []defaultClass{
	{
		class: kindStorageClass,
		marks: [][]string{
			{"metadata", "annotations", "storageclass.kubernetes.io/is-default-class"},
			{"metadata", "annotations", "storageclass.beta.kubernetes.io/is-default-class"},
		},
		user: kindClaim, field: []string{"spec", "storageClassName"},
		older:  [][]string{{"metadata", "annotations", "volume.beta.kubernetes.io/storage-class"}},
		source: "plugin/pkg/admission/storage/storageclass/setdefault",
	},
	{
		class: kindIngressClass,
		marks: [][]string{{"metadata", "annotations", "ingressclass.kubernetes.io/is-default-class"}},
		user:  kindIngress, field: []string{"spec", "ingressClassName"},
		older:  [][]string{{"metadata", "annotations", "kubernetes.io/ingress.class"}},
		source: "plugin/pkg/admission/network/defaultingressclass",
	},
	{
		class: kindPriorityClass,
		marks: [][]string{{"globalDefault"}},
		user:  kindPod, field: []string{"spec", "priorityClassName"},
		source: "plugin/pkg/admission/priority",
	},
}

// isDefault reports whether the content of a class marks it as the default.
func (c defaultClass) isDefault(content map[string]any) bool {
	return slices.ContainsFunc(c.marks, func(path []string) bool { return isTrue(field(content, path...)) })
}

// leftEmpty reports whether the object names no class, neither the old way nor
// the new one. An empty name is a name: it means no class.
func (c defaultClass) leftEmpty(o Object) bool {
	if o.ID.GroupKind() != c.user || field(o.Content, c.field...) != nil {
		return false
	}
	return !slices.ContainsFunc(c.older, func(path []string) bool { return field(o.Content, path...) != nil })
}

// isTrue reads a mark: a boolean, or the text of one in an annotation.
func isTrue(value any) bool { return value == true || value == "true" }

// lateRules is the table. A rule decides only in plans that have an object on
// which the field would act.
var lateRules = func() []lateRule {
	rules := []lateRule{{
		name:   "pod-security",
		reason: "the policy of a namespace refuses Pods that are older than its label",
		kind:   kindNamespace,
		fields: [][]string{{"metadata", "labels", "pod-security.kubernetes.io/enforce"}},
		acts:   func(value any) bool { return value != nil && value != "privileged" },
		meets:  func(holder appbur.ObjectID, s *scope) bool { return s.podsIn[holder.Name] },
	}}
	for _, c := range defaultClasses {
		rules = append(rules, lateRule{
			name:   "default-" + c.class.Kind,
			reason: "a default class is written into objects that the source left without one",
			kind:   c.class,
			fields: c.marks,
			acts:   isTrue,
			meets:  func(_ appbur.ObjectID, s *scope) bool { return s.leftEmpty[c.user] },
		})
	}
	return rules
}()

// early returns the object without the fields that come late, and the rule that
// names it; ok is false for objects that are complete from the beginning.
func early(o Object, s *scope) (content map[string]any, rule lateRule, ok bool) {
	content = o.Content
	for _, r := range lateRules {
		if r.kind != o.ID.GroupKind() || !r.meets(o.ID, s) {
			continue
		}
		for _, path := range r.fields {
			if value := field(o.Content, path...); value != nil && r.acts(value) {
				content, rule, ok = without(content, path...), r, true
			}
		}
	}
	return content, rule, ok
}

// fillIn deals with a default class that the target has already. A claim that was
// bound to a volume without a class has an empty name, which admission
// does not change and which binds alike. For all others the plan shows what will happen.
func (b *planner) fillIn(d *draft) {
	for _, class := range defaultClasses {
		names := b.around.Defaults[class.class]
		if len(names) == 0 || d.blocked || b.around.Live[d.saved()] || d.object.ID.GroupKind() != class.user {
			continue
		}
		o := d.object.open()
		if !class.leftEmpty(o) {
			continue
		}
		if class.user == kindClaim && b.boundWithoutClass(o) {
			d.object.Content, d.digest = ContentOf(with(o.Content, "", class.field...)), appbur.Digest{}
			continue
		}
		b.note(NoteDefault, d.object.ID, "%s was left empty in the source; admission of the target writes its default into it: %s",
			formatPath(class.field), strings.Join(names, ", "))
	}
}

// boundWithoutClass reports whether the claim comes back to a volume that has no
// class.
func (b *planner) boundWithoutClass(claim Object) bool {
	volume, ok := b.drafts[appbur.ObjectID{Kind: kindVolume.Kind, Name: text(claim.Content, "spec", "volumeName")}]
	if !ok || volume.blocked {
		return false
	}
	content := volume.object.Content.Object()
	older := text(content, "metadata", "annotations", "volume.beta.kubernetes.io/storage-class")
	return text(content, "spec", "storageClassName") == "" && older == ""
}

// filledIn returns the class that a live object has and that the source left empty,
// with the path where it is. Nothing else that a target adds is a choice undone.
func filledIn(id appbur.ObjectID, want, live map[string]any) (path []string, class string) {
	for _, c := range defaultClasses {
		if name := text(live, c.field...); name != "" && c.leftEmpty(Object{ID: id, Content: want}) {
			return c.field, name
		}
	}
	return nil, ""
}
