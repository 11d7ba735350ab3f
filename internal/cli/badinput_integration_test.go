//go:build integration

package cli

import (
	"context"
	"errors"
	"iter"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// Every bad input is a clear error with a hint and a code of its own, and leaves
// the repository as it was: no commit, no half restore point.
func TestBadInputChangesNothing(t *testing.T) {
	s := newStory(t)
	cluster := testcluster.New(t, "1.24.17")
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "password"}, StringData: map[string]string{"password": "hunter2"}}
	if _, err := client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.ok("init", s.repo, "--keys", s.keys)
	s.backup(cluster)
	before := s.git("for-each-ref")

	backup := []string{"backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig}
	restore := func(more ...string) []string {
		return append([]string{"restore", "latest", "--yes", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig}, more...)
	}
	stranger := filepath.Join(t.TempDir(), "stranger")
	s.ok("init", filepath.Join(t.TempDir(), "other.git"), "--keys", stranger)

	for _, test := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"an application that is not there", append(backup, "--app", "fleet=unix:///nonexistent/contract.sock"), ExitFailed, "fleet"},
		{"an application behind a closed port", append(backup, "--app", "fleet=127.0.0.1:1", "--app-insecure"), ExitFailed, "fleet"},
		{"an application that speaks something else", append(backup, "--app", "fleet="+serveGarbage(t)), ExitFailed, "fleet"},
		{"an application that stops half-way and calls it a success", append(backup, "--app", "fleet="+serveTruncated(t)), ExitFailed, "fleet"},
		{"an application that fails half-way", append(backup, "--app", "fleet="+serveFailing(t)), ExitFailed, "disk on fire"},
		{"plain text without saying so", append(backup, "--app", "fleet=127.0.0.1:1"), ExitFailed, "fleet"},
		{"a cluster that refuses the login", append(backup[:5:5], "--kubeconfig", wrongToken(t, cluster)), ExitCredentials, "credentials"},
		{"an unknown point", []string{
			"restore", "20200101T000000Z", "--yes", "--repo", s.repo, "--keys", s.keys, "--kubeconfig",
			cluster.Kubeconfig,
		}, ExitNotFound, "20200101T000000Z"},
		{"an identity that is not there", restore("--identity", "/nonexistent"), ExitUsage, "--identity"},
		{
			"an identity that belongs to another repository", restore("--identity", filepath.Join(stranger, "identity.txt")), ExitCredentials,
			"no private key matches",
		},
		{
			"an identity that is no identity", restore("--identity", filepath.Join(stranger, "allowed_signers")), ExitCredentials,
			"allowed_signers",
		},
		{
			"a signature by somebody who is not trusted", restore("--trust", filepath.Join(stranger, "allowed_signers")), ExitCredentials,
			"signature",
		},
		{"state of an application that was not saved", restore("--app", "fleet=unix:///x"), ExitUsage, "no state of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := runCLI(t.Context(), test.args...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(errs, test.says) || !strings.Contains(errs, "appbur: hint: ") {
				t.Errorf("no clear error with a hint:\n%s%s", out, errs)
			}
			if after := s.git("for-each-ref"); after != before {
				t.Errorf("the repository changed:\n%s\n%s", before, after)
			}
		})
	}
	s.git("fsck", "--strict")
}

func wrongToken(t *testing.T, c *testcluster.Cluster) string {
	t.Helper()
	data, err := os.ReadFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")

	changed := false
	for i, line := range lines {
		if key, _, ok := strings.Cut(line, "token: "); ok {
			lines[i] = key + "token: wrong"
			changed = true
		}
	}

	if !changed {
		t.Fatal("the kubeconfig holds no token")
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func listen(t *testing.T) (net.Listener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "contract.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener, "unix://" + path
}

// serveGarbage answers every connection with something that is not gRPC.
func serveGarbage(t *testing.T) string {
	listener, address := listen(t)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = connection.Write([]byte("220 mail.example ESMTP ready\r\n"))
			connection.Close()
		}
	}()
	return address
}

// truncated sends a header and a piece of a row, and then ends the call well.
type truncated struct {
	contractpb.UnimplementedAppStateServer
}

func (truncated) GetInfo(context.Context, *contractpb.GetInfoRequest) (*contractpb.GetInfoResponse, error) {
	return &contractpb.GetInfoResponse{
		ContractVersion: contract.ContractVersion, AppId: "fleet", AppVersion: "1", InstanceId: "i",
		Limits: &contractpb.Limits{MaxChunkBytes: 1 << 18, MaxRowBytes: 1 << 20},
		Datasets: []*contractpb.DatasetInfo{{
			Name: "clusters", Schema: "1.0", Reads: "= 1.0", MediaType: contract.MediaType,
			Key: []string{"id"},
		}},
	}, nil
}

func (truncated) Export(_ *contractpb.ExportRequest, stream grpc.ServerStreamingServer[contractpb.ExportResponse]) error {
	return stream.Send(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Header{Header: &contractpb.ExportHeader{
		SnapshotId: "s", AppId: "fleet", AppVersion: "1",
	}}})
}

func serveTruncated(t *testing.T) string {
	listener, address := listen(t)
	server := grpc.NewServer()
	contractpb.RegisterAppStateServer(server, truncated{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return address
}

// failing is an application whose store breaks in the middle of an export.
type failing struct{}

func (failing) Snapshot(context.Context) (contract.Snapshot, error) { return failing{}, nil }
func (failing) Begin(context.Context) (contract.Transaction, error) {
	return nil, errors.New("read only")
}
func (failing) Close() error { return nil }

func (failing) Rows(context.Context, string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		_ = yield(contract.Row(`{"id":1}`), nil) && yield(nil, errors.New("disk on fire"))
	}
}

func serveFailing(t *testing.T) string {
	listener, address := listen(t)
	server, err := contract.NewServer(failing{}, contract.Options{
		ID: "fleet", Version: "1", Datasets: []contract.Dataset{{Name: "clusters", Schema: "1.0", Key: []string{"id"}, Clear: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return address
}
