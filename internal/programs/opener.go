package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/exec"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/contract"
)

// Opener opens programs as applications. It implements [apps.Programs].
type Opener struct {
	// Config is how the cluster is reached in which the pods are.
	Config func() (*rest.Config, error)
	// Namespace is where the pods of a saved namespace are in this cluster; nil if they are in that of the same name.
	Namespace func(saved string) string
	// Random makes the words that runs are known by.
	Random io.Reader
}

var _ apps.Programs = Opener{}

// Is implements [apps.Programs].
func (Opener) Is(address string) bool {
	_, ok := File(address)
	return ok
}

// Open implements [apps.Programs]: it chooses a pod, waiting for one that is ready, and serves what its commands do.
func (o Opener) Open(ctx context.Context, t apps.Target, options contract.DialOptions) (*contract.Client, error) {
	in, err := o.pods(t.AppKey)
	if err != nil {
		return nil, err
	}
	declared, err := in.declaration(ctx, t)
	if err != nil {
		return nil, err
	}
	runner, err := in.wait(ctx, declared, options.Timeout)
	if err != nil {
		return nil, err
	}

	adapter, err := exec.OpenOn(ctx, declared.Config, runner)
	if err != nil {
		return nil, err
	}
	return contract.InProcess(ctx, adapter, contract.Options{
		ID: declared.App, Version: adapter.Version(), Datasets: adapter.Datasets(), ShutdownGrace: shutdownGrace,
		// Nobody can come back to a server that ends with its client.
		ExportLease: -1, ImportLease: -1,
	}, options)
}

// shutdownGrace is how long what runs may go on when the client is closed: an import is at its commands, and a release
// has to be heard.
const shutdownGrace = 30 * time.Second

// pods is where those of an application are.
func (o Opener) pods(key appbur.AppKey) (pods, error) {
	config, err := o.Config()
	if err != nil {
		return pods{}, err
	}
	core, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return pods{}, fmt.Errorf("kubeconfig: %w", err)
	}
	namespace := key.Namespace
	if o.Namespace != nil {
		namespace = o.Namespace(namespace)
	}
	return pods{config: config, core: core, namespace: namespace, random: o.Random}, nil
}

// declaration reads what a target is.
func (p pods) declaration(ctx context.Context, t apps.Target) (Declaration, error) {
	if name, ok := strings.CutPrefix(t.Address, configMapScheme); ok {
		held, err := p.core.ConfigMaps(p.namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return Declaration{}, fmt.Errorf("reading the commands of %s: %w", t.AppKey, err)
		}
		return fromConfigMap(held)
	}
	file, _ := File(t.Address)
	data, err := os.ReadFile(file)
	if err != nil {
		return Declaration{}, err
	}
	declared, err := Parse(data)
	if err != nil {
		return declared, fmt.Errorf("%s: %w", file, err)
	}
	return declared, nil
}

// defaultWait is how long a pod is waited for if nothing else is said.
const defaultWait = 10 * time.Second

var polling = backoff.Backoff{First: 200 * time.Millisecond, Most: 2 * time.Second}

// wait chooses a pod, and waits until there is one to choose.
func (p pods) wait(ctx context.Context, d Declaration, longest time.Duration) (exec.Runner, error) {
	if longest <= 0 {
		longest = defaultWait
	}
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	var last error
	for failures := 0; ; failures++ {
		runner, err := p.choose(limited, d)
		switch {
		case err == nil:
			return runner, nil
		case limited.Err() == nil || last == nil: // the end of our own time says less than the last answer
			last = err
		}
		hopeless := errors.Is(err, ErrNoContainer) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
		if hopeless || backoff.Sleep(limited, polling.Delay(failures)) != nil {
			return nil, last
		}
	}
}
