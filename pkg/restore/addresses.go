package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
)

// ServiceAnswer is the answer of the target to what a Service requests.
type ServiceAnswer struct {
	// Without are the paths of requests that the target cannot fulfil and that the
	// Service can do without, with the target's reason.
	Without []Refusal
	// Refused says why the target cannot hold the Service at all, "" if it can.
	Refused string
}

// Refusal is a field that the target does not accept.
type Refusal struct {
	Path   []string
	Reason string
}

// probe is the name of the Services in dry runs against the target. Nothing is written.
var probe = appbur.ObjectID{Kind: kindService.Kind, Namespace: "default", Name: "appbur-probe"}

// requestsAddress reports whether a Service requests something that depends on the
// network of the target: an address, ports, or families.
func requestsAddress(o Object) bool {
	if o.ID.GroupKind() != kindService {
		return false
	}
	if chosenAddress(o) != "" || field(o.Content, "spec", "ipFamilies") != nil || field(o.Content, "spec", "healthCheckNodePort") != nil {
		return true
	}
	if policy := text(o.Content, "spec", "ipFamilyPolicy"); policy != "" && policy != "SingleStack" {
		return true
	}
	return slices.ContainsFunc(list(o.Content, "spec", "ports"), func(port any) bool { return field(port, "nodePort") != nil })
}

// chosenAddress returns the cluster IP that a client requested.
func chosenAddress(o Object) string {
	if address := text(o.Content, "spec", "clusterIP"); address != "None" {
		return address
	}
	return ""
}

// services checks every Service that requests something. The server is the
// only one who knows its ranges and what is taken, in every version; a dry run is
// answered by the same allocators as a create.
func (s *surveyor) services(ctx context.Context, p Point) error {
	var requesting []Object
	for i, id := range p.Objects.IDs() {
		if id.GroupKind() != kindService {
			continue
		}
		if o := p.Objects.At(i); requestsAddress(o) {
			requesting = append(requesting, o)
		}
	}
	if len(requesting) == 0 {
		return nil
	}
	existing, err := s.existing(ctx, "v1", kindService.Kind)
	if err != nil {
		return err
	}
	s.Services = make(map[appbur.ObjectID]ServiceAnswer)
	var mu sync.Mutex
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(s.worker.limiter.current())

	for _, o := range requesting {
		group.Go(func() error {
			_, live := existing[o.ID]
			answer, err := s.service(each, o, live)
			mu.Lock()
			defer mu.Unlock()
			s.Services[o.ID] = answer
			return err
		})
	}

	return group.Wait()
}

// withoutAddress drops both forms of an address: the server wants both or none.
func withoutAddress(reason string) []Refusal {
	return []Refusal{{Path: []string{"spec", "clusterIP"}, Reason: reason}, {Path: []string{"spec", "clusterIPs"}, Reason: reason}}
}

// holder returns the Service that has the address in the target, "" if none. Servers with
// ServiceCIDRs keep an object for each address, and look at it in no dry run.
func (s *surveyor) holder(ctx context.Context, address string) (string, error) {
	id := appbur.ObjectID{Group: "networking.k8s.io", Kind: "IPAddress", Name: address}
	var live map[string]any
	err := s.worker.persist(ctx, &stepResult{step: &Step{}}, func() (err error) {
		live, err = s.worker.cluster.Get(ctx, id, "networking.k8s.io/v1")
		return err
	})
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil: // free, or a server without such objects, whose dry run knows
		return "", nil //nolint:nilerr // see above
	}
	parent := field(live, "spec", "parentRef")
	return fmt.Sprintf("%s %s/%s", text(parent, "resource"), text(parent, "namespace"), text(parent, "name")), nil
}

// service has the target try the Service, without what it refuses, until it accepts
// the rest. A Service that exists is tried as itself: it has its own address, and
// some of it cannot be changed any more.
func (s *surveyor) service(ctx context.Context, o Object, live bool) (ServiceAnswer, error) {
	id := probe
	if live {
		id = o.ID
	}
	var answer ServiceAnswer
	content := map[string]any{
		"apiVersion": "v1", "kind": kindService.Kind, "spec": field(o.Content, "spec"),
		"metadata": map[string]any{"name": id.Name, "namespace": id.Namespace},
	}

	if chosen := chosenAddress(o); chosen != "" && !live {
		holder, err := s.holder(ctx, chosen)
		if err != nil {
			return ServiceAnswer{}, err
		}
		if holder != "" {
			answer.Without = withoutAddress("in the target it belongs to " + holder)
			content = withoutIn(withoutIn(content, []string{"spec", "clusterIP"}), []string{"spec", "clusterIPs"})
		}
	}

	for {
		err := s.try(ctx, id, content)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return ServiceAnswer{}, ctx.Err()
		}

		refused := slices.DeleteFunc(refusals(err), func(r Refusal) bool { return !dispensable(o, r.Path) })
		rest := content
		for _, refusal := range refused {
			rest = withoutIn(rest, refusal.Path)
		}
		if len(refused) == 0 || equalContent(rest, content) {
			if essential(err) {
				answer.Refused = err.Error()
			}
			return answer, nil // else the restore fails with it and reports it
		}
		answer.Without, content = append(answer.Without, refused...), rest
	}
}

func (s *surveyor) try(ctx context.Context, id appbur.ObjectID, content map[string]any) error {
	return s.worker.persist(ctx, &stepResult{step: &Step{}}, func() error {
		_, err := s.worker.cluster.Apply(ctx, Request{Object: id, APIVersion: "v1", Content: content, Force: true, DryRun: true})
		return err
	})
}

// refusals returns the fields that an answer complains about.
func refusals(err error) []Refusal {
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	var found []Refusal

	for _, cause := range status.Status().Details.Causes {
		path := strings.FieldsFunc(cause.Field, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
		if len(path) < 2 {
			continue
		}
		switch path[1] {
		case "clusterIP", "clusterIPs":
			found = append(found, withoutAddress(cause.Message)...)
		case "ipFamilies": // the server picks those it has when none are given
			found = append(found, Refusal{Path: path[:2], Reason: cause.Message})
		default:
			found = append(found, Refusal{Path: path, Reason: cause.Message})
		}
	}

	return found
}

// dispensable reports whether a Service still is what it was without the field.
// Ports and addresses were chosen for reasons that the server does not know, so
// the plan says that they are gone. Families are a wish of those that prefer two.
func dispensable(o Object, path []string) bool {
	switch path[1] {
	case "clusterIP", "clusterIPs", "healthCheckNodePort":
		return true
	case "ports":
		return len(path) > 3 && path[3] == "nodePort"
	case "ipFamilies":
		return text(o.Content, "spec", "ipFamilyPolicy") == "PreferDualStack"
	}
	return false
}

// essential reports whether the answer is about the families of the target.
func essential(err error) bool {
	return slices.ContainsFunc(refusals(err), func(r Refusal) bool { return r.Path[1] == "ipFamilies" || r.Path[1] == "ipFamilyPolicy" })
}

// addresses takes out of a Service what the target said it cannot fulfil, and
// blocks one that the target cannot hold.
func (b *planner) addresses(d *draft) {
	answer, ok := b.around.Services[d.saved()]
	if !ok || d.blocked {
		return
	}
	if answer.Refused != "" {
		d.block("the network of the target has no such address family: "+answer.Refused,
			"restore into a cluster with both address families, or change ipFamilyPolicy to PreferDualStack in the source")
		return
	}
	before := d.object.Content.Object()
	content := before
	for _, refusal := range answer.Without {
		if !has(content, refusal.Path) {
			continue
		}
		value := lookup(content, refusal.Path)
		content = withoutIn(content, refusal.Path)
		b.note(NoteAddress, d.object.ID, "%s %s is not kept: %s", formatPath(refusal.Path), short(value), refusal.Reason)
	}
	d.object.Content = d.object.Content.or(before, content)
}

// lookup returns what is at a path that may lead through lists.
func lookup(value any, path []string) any {
	for _, key := range path {
		if l, ok := value.([]any); ok {
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(l) {
				return nil
			}
			value = l[i]
			continue
		}
		value = field(value, key)
	}
	return value
}

// withoutIn is [without] for paths that may lead through lists.
func withoutIn(content map[string]any, path []string) map[string]any {
	for at, key := range path {
		if !isOrdinal(key) || at == 0 {
			continue
		}
		elements := list(content, path[:at]...)
		i, err := strconv.Atoi(key)
		if err != nil || i >= len(elements) {
			return content
		}
		element, ok := elements[i].(map[string]any)
		if !ok || at == len(path)-1 {
			return content
		}
		elements = slices.Clone(elements)
		elements[i] = withoutIn(element, path[at+1:])
		return with(content, elements, path[:at]...)
	}
	return without(content, path...)
}

func equalContent(a, b map[string]any) bool {
	return len(differences(a, b)) == 0 && len(differences(b, a)) == 0
}
