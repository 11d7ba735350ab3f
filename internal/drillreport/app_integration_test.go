//go:build integration

package drillreport_test

import (
	"context"
	"iter"
	"os"
	"os/signal"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/appbur/appbur/examples/fleet/program"
	v2 "github.com/appbur/appbur/examples/fleet/v2"
	"github.com/appbur/appbur/pkg/contract"
)

// worseVariable makes the test binary act as a release of fleet that a drill must find out: it loses a customer. Its value is
// a kubeconfig: while the state is imported, somebody changes an object of that cluster.
const worseVariable = "APPBUR_DRILL_WORSE_FLEET"

func TestMain(m *testing.M) {
	kubeconfig := os.Getenv(worseVariable)
	if kubeconfig == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	version := program.Version{Name: "fleet-v2", App: v2.AppVersion, Open: func(ctx context.Context, file string) (program.Fleet, error) {
		fleet, err := v2.Open(ctx, file, time.Now)
		return worse{fleet, kubeconfig}, err
	}}
	os.Exit(program.Main(ctx, version, os.Args[1:], os.Stdout, os.Stderr))
}

type worse struct {
	program.Fleet
	kubeconfig string
}

func (w worse) Begin(ctx context.Context) (contract.Transaction, error) {
	config, err := clientcmd.BuildConfigFromFlags("", w.kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	_, err = client.CoreV1().ConfigMaps("fleet-system").Patch(ctx, "fleet-config", types.MergePatchType,
		[]byte(`{"data": {"fleet.yaml": "by hand"}}`), metav1.PatchOptions{FieldManager: "somebody"})
	if err != nil {
		return nil, err
	}
	return w.Fleet.Begin(ctx)
}

func (w worse) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	snapshot, err := w.Fleet.Snapshot(ctx)
	return forgetful{snapshot}, err
}

type forgetful struct{ contract.Snapshot }

func (f forgetful) Rows(ctx context.Context, dataset string) iter.Seq2[contract.Row, error] {
	rows := f.Snapshot.Rows(ctx, dataset)
	if dataset != "customers" {
		return rows
	}
	return func(yield func(contract.Row, error) bool) {
		first := true
		for row, err := range rows {
			if !first && !yield(row, err) {
				return
			}
			first = false
		}
	}
}
