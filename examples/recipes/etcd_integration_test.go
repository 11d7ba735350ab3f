//go:build integration

package recipes

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oldEtcd is Debian's; newEtcd is the one of the Kubernetes servers, with its etcdctl.
func oldEtcd(t *testing.T) place { return etcd(t, filepath.Join(unpackedDir(t), "usr", "bin")) }

func newEtcd(t *testing.T) place {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return etcd(t, filepath.Join(cache, "appbur", "kube", "1.37.1")+":"+filepath.Join(unpackedDir(t), "go"))
}

func etcd(t *testing.T, path string) place {
	t.Helper()
	dir := home(t, nil)
	endpoint, peer := "http://"+freeAddress(t), "http://"+freeAddress(t)
	at := place{
		"PATH": path, "ETCDCTL_ENDPOINTS": endpoint, "HOME": dir,
	}
	at.serve(t, nil, dir, func(ctx context.Context) error {
		_, err := at.try(ctx, "", "etcdctl", "endpoint", "health")
		return err
	}, "etcd", "--data-dir", filepath.Join(dir, "data"), "--listen-client-urls", endpoint, "--advertise-client-urls", endpoint,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer, "--unsafe-no-fsync")
	return at
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestEtcd moves keys from etcd 3.4 to 3.6, more of them than one transaction takes.
func TestEtcd(t *testing.T) {
	from, to := oldEtcd(t), newEtcd(t)
	odd := []string{"", "-a dash", `a "quote" and a \`, "two\nlines\r\n", "Grüße \u200b", "\x01\xff\xfe", "# no comment", "$HOME `id`", `'single'`}
	for _, value := range odd {
		from.say(t, "", "etcdctl", "put", "--", "/odd/"+value, value)
	}
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, "put /many/%03d \"value %d\"\n", i, i)
	}
	from.say(t, "\n"+many.String()+"\n\n", "etcdctl", "txn")
	lease := strings.Fields(from.say(t, "", "etcdctl", "lease", "grant", "600"))[1]
	from.say(t, "", "etcdctl", "put", "/lock", "held", "--lease="+lease)
	for _, foreign := range []string{"\x01first", "/many/000/below", "/many/0995", "/odd/\xff", "zzz last"} {
		to.say(t, "", "etcdctl", "put", foreign, "foreign")
	}

	saved := export(t, open(t, "etcd", from))
	a := open(t, "etcd", to)
	text := saved["keys"]
	refused(t, a, "keys", "cut off within a key", text[:len(text)/2])
	refused(t, a, "keys", "without its end", text[:strings.LastIndex(text, "#")])
	refused(t, a, "keys", "with a line missing", strings.Replace(text, "\"value 7\"\n", "", 1))
	if err := load(t, a, saved); err != nil {
		t.Fatal(err)
	}
	same(t, saved, export(t, a))

	if all := to.say(t, "", "etcdctl", "get", "", "--from-key"); strings.Contains(all, "foreign") || strings.Contains(all, "/lock") {
		t.Errorf("what was there before, or what has a lease, is there: %s", all)
	}
	for _, value := range odd {
		if got := to.say(t, "", "etcdctl", "get", "--print-value-only", "--", "/odd/"+value); got != value+"\n" {
			t.Errorf("%q came as %q", value, got)
		}
	}
}
