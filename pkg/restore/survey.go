package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// Surroundings is what a plan has to know of the target besides what it serves:
// what admission and allocation would do to the objects of the point. The zero
// value knows nothing; the plan then leaves it to the server.
type Surroundings struct {
	// Defaults names the classes that the target marks as default, by their kind.
	Defaults map[appbur.GroupKind][]string
	// Live has those objects that a default would be written into and that exist
	// already: admission looks at new objects only.
	Live map[appbur.ObjectID]bool
	// Namespaces are those of the target that the point has objects for and does not
	// hold itself; nil when it was not read.
	Namespaces map[string]bool
	// Services says what the target answered to the addresses, ports and families
	// that Services request.
	Services map[appbur.ObjectID]ServiceAnswer
	// Present has those objects that come with chosen ones and exist already.
	Present map[appbur.ObjectID]bool
	// Unanswered are the questions that the target refused to answer.
	Unanswered []string
}

// classVersions are the versions at which every target serves the classes.
var classVersions = map[appbur.GroupKind]string{
	kindStorageClass: "storage.k8s.io/v1", kindIngressClass: "networking.k8s.io/v1", kindPriorityClass: "scheduling.k8s.io/v1",
}

// userVersions are the same for what the classes are written into.
var userVersions = map[appbur.GroupKind]string{kindClaim: "v1", kindIngress: "networking.k8s.io/v1", kindPod: "v1"}

// Survey reads from the target what a plan for the point has to know. It changes
// nothing, and reads nothing that no object of the point depends on. Questions that
// the credentials do not allow stay open, and the result says which.
func Survey(ctx context.Context, p Point, t compat.Target, c Cluster) (Surroundings, error) {
	s := surveyor{
		Surroundings: Surroundings{
			Defaults: make(map[appbur.GroupKind][]string), Live: make(map[appbur.ObjectID]bool), Present: make(map[appbur.ObjectID]bool),
		},
		worker: newWorker(Applier{Cluster: c}, Policy{}),
	}
	for _, class := range defaultClasses {
		if err := s.defaults(ctx, p, class); err != nil {
			return Surroundings{}, fmt.Errorf("reading the default %s of the target: %w", class.class.Kind, err)
		}
	}
	if err := s.namespaces(ctx, p); err != nil {
		return Surroundings{}, fmt.Errorf("reading the namespaces of the target: %w", err)
	}
	if err := s.services(ctx, p); err != nil {
		return Surroundings{}, fmt.Errorf("checking addresses of Services in the target: %w", err)
	}
	if err := s.present(ctx, p, t); err != nil {
		return Surroundings{}, fmt.Errorf("reading what the selected objects need: %w", err)
	}
	return s.Surroundings, nil
}

type surveyor struct {
	Surroundings
	worker *worker
}

// request sends one request as often as an apply. It reports false when the
// target forbids it.
func (s *surveyor) request(ctx context.Context, what string, send func() error) (bool, error) {
	err := s.worker.persist(ctx, &stepResult{step: &Step{}}, send)
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case apierrors.IsForbidden(err) || errors.Is(err, ErrNotServed) || IsUnconverted(err):
		s.Unanswered = append(s.Unanswered, fmt.Sprintf("%s: %v", what, err))
		return false, nil
	}
	return false, err
}

// defaults finds the default classes of one kind, if the point has objects that
// name none.
func (s *surveyor) defaults(ctx context.Context, p Point, class defaultClass) error {
	var users []appbur.ObjectID
	for i, id := range p.Objects.IDs() {
		if id.GroupKind() == class.user && class.leftEmpty(p.Objects.At(i)) {
			users = append(users, id)
		}
	}

	if len(users) == 0 {
		return nil
	}
	existing, err := s.existing(ctx, classVersions[class.class], class.class.Kind)
	if err != nil {
		return err
	}

	for id := range existing {
		content, err := s.get(ctx, id, classVersions[class.class])
		if err != nil {
			return err
		}
		if class.isDefault(content) {
			s.Defaults[class.class] = append(s.Defaults[class.class], id.Name)
		}
	}

	if len(s.Defaults[class.class]) == 0 {
		return nil
	}
	slices.Sort(s.Defaults[class.class])
	if existing, err = s.existing(ctx, userVersions[class.user], class.user.Kind); err != nil {
		return err
	}

	for _, id := range users {
		if _, ok := existing[id]; ok {
			s.Live[id] = true
		}
	}
	return nil
}

func (s *surveyor) existing(ctx context.Context, apiVersion, kind string) (found map[appbur.ObjectID]Identity, err error) {
	_, err = s.request(ctx, "which "+kind+"s there are", func() error {
		found, err = s.worker.cluster.Existing(ctx, apiVersion, kind)
		return err
	})
	return found, err
}

// get returns one object, nil if it is gone or may not be read.
func (s *surveyor) get(ctx context.Context, id appbur.ObjectID, apiVersion string) (content map[string]any, err error) {
	_, err = s.request(ctx, "what "+id.String()+" holds", func() error {
		content, err = s.worker.cluster.Get(ctx, id, apiVersion)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
	return content, err
}
