//go:build integration && linux

package installed

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/testnode"
	"github.com/appbur/appbur/internal/testremote"
)

const gitImage = "appbur.test/git:1"

// gitServer is OpenSSH's sshd with git, in a pod, behind a Service.
type gitServer struct {
	node       *testnode.Node
	pod        *corev1.Pod
	url        string
	identity   string // the private key of who may push
	knownHosts string
}

// gitServerObjects are the server's. It keeps the repository as long as its pod lives.
const gitServerObjects = `
{apiVersion: v1, kind: Namespace, metadata: {name: forge}}
---
apiVersion: v1
kind: Secret
metadata: {name: sshd, namespace: forge}
stringData: {host_key: %[1]q, authorized_keys: %[2]q}
---
apiVersion: v1
kind: Service
metadata: {name: git, namespace: forge}
spec: {selector: {app: git}, ports: [{name: ssh, port: 22}]}
---
apiVersion: v1
kind: Pod
metadata: {name: git, namespace: forge, labels: {app: git}}
spec:
  containers:
    - name: sshd
      image: ` + gitImage + `
      readinessProbe: {tcpSocket: {port: 22}, periodSeconds: 1}
      volumeMounts: [{name: sshd, mountPath: /etc/forge}, {name: repositories, mountPath: /srv/git}]
  volumes:
    - name: sshd
      secret:
        secretName: sshd
        items: [{key: host_key, path: host_key, mode: 0400}, {key: authorized_keys, path: authorized_keys, mode: 0444}]
    - {name: repositories, emptyDir: {}}
`

// sshdConfig lets the holder of one key run git-shell.
const sshdConfig = `Port 22
HostKey /etc/forge/host_key
AuthorizedKeysFile /etc/forge/authorized_keys
StrictModes no
PidFile none
LogLevel INFO
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
ForceCommand git-shell -c "$SSH_ORIGINAL_COMMAND"
`

// startGitServer runs the server in a cluster.
func startGitServer(t *testing.T, node *testnode.Node) *gitServer {
	t.Helper()
	program, libraries := testremote.SSHD(t)
	image := testnode.NewImage(gitImage).Program(t, program, "sh", "git", "git-shell", "chown").
		File("/etc/passwd", "root:*:0:0::/:/bin/sh\nsshd:*:100:65534::/run/sshd:/bin/false\ngit:*:1000:1000::/srv/git:/usr/bin/sh\n", 0o644).
		File("/etc/group", "root:*:0:\ngit:*:1000:\n", 0o644).
		File("/etc/ssh/sshd_config", sshdConfig, 0o644).
		File("/run/sshd/.keep", "", 0o644).
		Command("sh", "-c", "git init -q --bare -b main /srv/git/mgmt.git && chown -R git:git /srv/git/mgmt.git && exec "+program+" -D -e")
	if libraries != "" {
		image.Copy(t, libraries, "/usr/lib/sshd").Libraries(t, filepath.Join(libraries, "libwrap.so.0")).Env("LD_LIBRARY_PATH=/usr/lib/sshd")
	}
	node.Import(t, image)

	host, hostKey := testremote.NewKey(t)
	client, clientKey := testremote.NewKey(t)
	authorized := string(ssh.MarshalAuthorizedKey(client))
	node.Apply(t, documents(t, fmt.Sprintf(gitServerObjects, hostKey, authorized))...)
	service, err := node.Client.CoreV1().Services("forge").Get(t.Context(), "git", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	address, pod := service.Spec.ClusterIP, node.Await(t, "forge", "git")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the Git server: %s", node.Logs(t, pod, ""))
		}
	})
	return &gitServer{
		node: node, pod: pod, url: "ssh://git@" + address + "/srv/git/mgmt.git",
		identity: string(clientKey), knownHosts: address + " " + string(ssh.MarshalAuthorizedKey(host)),
	}
}

// credentials writes what `appbur remotes add` is told, and returns the directory.
func (g *gitServer) credentials(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "forge")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"identity": g.identity, "known_hosts": g.knownHosts} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// git runs git where the repository is.
func (g *gitServer) git(t *testing.T, words ...string) string {
	t.Helper()
	command := append([]string{"git", "-c", "safe.directory=*", "-C", "/srv/git/mgmt.git"}, words...)
	out, errs, err := g.node.Exec(t, g.pod, "", nil, command...)
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, errs)
	}
	return strings.TrimSpace(out)
}

// points are the tags of restore points, the newest first.
func (g *gitServer) points(t *testing.T) []string {
	t.Helper()
	return strings.Fields(g.git(t, "tag", "--list", "restore-points/*", "--sort=-refname"))
}
