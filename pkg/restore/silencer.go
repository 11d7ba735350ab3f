package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	admission "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// Silencer lets webhooks that nobody answers for pass what they would refuse, for as long as a restore
// takes, and puts them in force again.
type Silencer struct {
	Cluster Cluster
	// Wait is how long what answers for a webhook may take to run before it is in force again; zero does
	// not wait.
	Wait time.Duration
	// Waiting is called with what is waited for; it may be nil.
	Waiting func(configuration appbur.ObjectID, why string)
}

// Silenced are the webhooks of one configuration that a restore has silenced.
type Silenced struct {
	Configuration appbur.ObjectID `json:"configuration"`
	Webhooks      []string        `json:"webhooks"`
	// Problem says why it cannot be undone, "" if it can.
	Problem string `json:"problem,omitempty"`
}

// SilenceResult is what became of silenced webhooks. The set is closed.
type SilenceResult string

// The results.
const (
	// SilenceEnded webhooks are in force again.
	SilenceEnded SilenceResult = "in force"
	// SilenceGone ones are no longer there.
	SilenceGone SilenceResult = "gone"
	// SilenceFailed ones are still silent.
	SilenceFailed SilenceResult = "failed"
)

// SilenceOutcome is what became of the silenced webhooks of one configuration.
type SilenceOutcome struct {
	Silenced

	// Result is "" before anything was tried.
	Result SilenceResult `json:"result,omitempty"`
	Reason string        `json:"reason,omitempty"`
	// Unready says why what answers for them did not run in time, "" if it did, or was not waited for.
	Unready string `json:"unready,omitempty"`
}

// ErrSilent is the error of webhooks that could not be put in force again.
var ErrSilent = errors.New("webhooks stay silenced")

// ErrUnanswered is the error of webhooks that are in force again although nobody answers for them.
var ErrUnanswered = errors.New("nobody answers for webhooks that are in force again")

// SilenceError is the error of outcomes, nil if all is as it was.
func SilenceError(outcomes []SilenceOutcome) error {
	var silent, unanswered []string
	for _, o := range outcomes {
		switch {
		case o.Result == SilenceFailed:
			silent = append(silent, o.Configuration.String())
		case o.Unready != "":
			unanswered = append(unanswered, o.Configuration.String())
		}
	}
	switch {
	case len(silent) > 0:
		return appbur.WithHint(fmt.Errorf("%w: %s", ErrSilent, appbur.Shortlist(silent, shownRights)),
			"the report says why; the next restore to this cluster puts them in force again")
	case len(unanswered) > 0:
		return appbur.WithHint(fmt.Errorf("%w: %s", ErrUnanswered, appbur.Shortlist(unanswered, shownRights)),
			"see that what answers for them starts; what they guard is refused until then")
	}
	return nil
}

// Find returns what restores have silenced in the target, whichever they were.
func (s Silencer) Find(ctx context.Context) ([]Silenced, error) {
	var found []Silenced
	for _, kind := range []appbur.GroupKind{kindMutatingConfiguration, kindValidatingConfiguration} {
		err := eachObject(ctx, s.Cluster, typeKey{ConfigurationVersion, kind.Kind}, "", func(live map[string]any) error {
			if field(live, "metadata", "annotations", SilencedKey) == nil {
				return nil
			}
			one := Silenced{Configuration: appbur.ObjectID{Group: kind.Group, Kind: kind.Kind, Name: text(live, "metadata", "name")}}
			names, err := silencedIn(live)
			if one.Webhooks = append([]string{}, names...); err != nil {
				one.Problem = err.Error()
			}
			found = append(found, one)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("looking for silenced webhooks in the target (%s): %w", kind.Kind, err)
		}
	}
	return found, nil
}

// ConfigurationVersion is the version at which configurations of webhooks are read and written.
var ConfigurationVersion = admission.SchemeGroupVersion.String()

// Silence silences webhooks of the target. What it returns is silent, also with an error.
func (s Silencer) Silence(ctx context.Context, hooks []LiveWebhook) ([]Silenced, error) {
	names := make(map[appbur.ObjectID][]string)
	for _, hook := range hooks {
		names[hook.Configuration] = append(names[hook.Configuration], hook.Name)
	}
	var all []Silenced
	for _, hook := range hooks {
		wanted, ok := names[hook.Configuration]
		if !ok {
			continue
		}
		delete(names, hook.Configuration)
		one := Silenced{Configuration: hook.Configuration}
		err := s.rewrite(ctx, hook.Configuration, func(live map[string]any) (after map[string]any, err error) {
			after, one.Webhooks, err = silence(live, wanted)
			return after, err
		})
		if len(one.Webhooks) > 0 { // after an error nobody knows
			all = append(all, one)
		}
		if err != nil {
			return all, fmt.Errorf("silencing the webhooks of %s: %w", hook.Configuration, err)
		}
	}
	return all, nil
}

// Unsilence puts webhooks in force again: when what answers for them runs, or, where it is not worth
// waiting, at once.
func (s Silencer) Unsilence(ctx context.Context, all []Silenced, wait bool) []SilenceOutcome {
	if !wait {
		s.Wait = 0
	}
	outcomes := make([]SilenceOutcome, len(all))
	var group errgroup.Group
	for i, one := range all {
		group.Go(func() error {
			outcomes[i] = s.unsilence(ctx, one)
			return nil
		})
	}
	_ = group.Wait() // what failed is in the outcomes
	return outcomes
}

// unsilenceTime is how long the write may take that puts webhooks in force again. It is made also when the
// restore was stopped.
const unsilenceTime = time.Minute

func (s Silencer) unsilence(ctx context.Context, one Silenced) SilenceOutcome {
	o := SilenceOutcome{Silenced: one, Result: SilenceEnded}
	if s.Wait > 0 {
		o.Unready = s.await(ctx, one)
	}
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), unsilenceTime)
	defer cancel()
	err := s.rewrite(writing, one.Configuration, func(live map[string]any) (map[string]any, error) {
		_, err := silencedIn(live)
		return unsilenced(live), err
	})
	switch {
	case apierrors.IsNotFound(err):
		o.Result, o.Unready = SilenceGone, ""
	case err != nil:
		o.Result, o.Reason = SilenceFailed, err.Error()
	}
	return o
}

// restoreOne puts a configuration in force again before it is written, if it is silenced.
func (s Silencer) restoreOne(ctx context.Context, id appbur.ObjectID) error {
	live, err := Patient(s.Cluster).Get(ctx, id, ConfigurationVersion)
	if err != nil {
		return nil //nolint:nilerr // the write will show it
	}
	names, err := silencedIn(live)
	if names == nil || err != nil {
		return err
	}
	if o := s.unsilence(ctx, Silenced{Configuration: id, Webhooks: names}); o.Result == SilenceFailed {
		return fmt.Errorf("it is silenced and could not be put in force again: %s", o.Reason)
	}
	return ctx.Err()
}

var awaitingBackend = backoff.Backoff{First: 200 * time.Millisecond, Most: 5 * time.Second}

// await waits until what answers for silenced webhooks runs, and returns why it does not. The time is
// counted in its own delays: a server that holds all requests back uses none of it up.
func (s Silencer) await(ctx context.Context, one Silenced) (why string) {
	var waited time.Duration
	for try := 1; ; try++ {
		live, err := Patient(s.Cluster).Get(ctx, one.Configuration, ConfigurationVersion)
		switch {
		case ctx.Err() != nil:
			return ""
		case err != nil:
			return "" // the write will show it
		}
		marked, _ := silencedIn(live)
		if why = s.unanswered(ctx, live, one.Webhooks); why == "" || ctx.Err() != nil {
			return ""
		}
		pause := awaitingBackend.Delay(try - 1)
		if waited += pause; waited > s.Wait || marked == nil { // where it is in force already, the wait is over
			return why
		}
		if s.Waiting != nil {
			s.Waiting(one.Configuration, why)
		}
		if backoff.Sleep(ctx, pause) != nil {
			return ""
		}
	}
}

// unanswered says which Services of the named webhooks nobody answers for, "" if there are none. What the
// account may not see is not waited for.
func (s Silencer) unanswered(ctx context.Context, configuration map[string]any, names []string) string {
	hooks, err := webhooksOf(configuration)
	if err != nil {
		return ""
	}
	var missing []string
	for _, hook := range hooks {
		if hook.Service == nil || !slices.Contains(names, hook.Name) {
			continue
		}
		switch state, _ := backendOf(ctx, s.Cluster, *hook.Service); state {
		case BackendMissing:
			missing = append(missing, hook.Service.String()+" does not exist")
		case BackendDown:
			missing = append(missing, hook.Service.String()+" has no endpoint that is ready")
		case BackendRuns, BackendUnknown:
		}
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(missing))), ", ")
}

// SilenceRights are the rights that a run needs which silences webhooks of the configurations.
func SilenceRights(configurations ...appbur.ObjectID) []Right {
	resources := map[appbur.GroupKind]string{
		kindMutatingConfiguration: "mutatingwebhookconfigurations", kindValidatingConfiguration: "validatingwebhookconfigurations",
	}
	var rights []Right
	for _, of := range configurations {
		for _, verb := range []string{"get", "patch"} {
			right := Right{Verb: verb, Group: of.Group, Resource: resources[of.GroupKind()], Name: of.Name, Objects: 1}
			if !slices.Contains(rights, right) {
				rights = append(rights, right)
			}
		}
	}
	return rights
}
