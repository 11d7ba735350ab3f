//go:build integration && linux

package installed

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/testremote"
)

// recipients changes who can decrypt while the daemons run, as docs/install.md says: they go on by themselves, and what they
// seal from then on can be read with the new identity.
func (i *installation) recipients(t *testing.T) {
	i.rotate(t, "--new-identity")
	recipients := i.forge.git(t, "show", "main:appbur.yaml")
	i.change(t, "after-the-rotation")
	if now := i.forge.git(t, "show", "main:appbur.yaml"); now != recipients {
		t.Errorf("the settings were\n%s\nand are\n%s", recipients, now)
	}
	sealed := i.forge.git(t, "show", "main:namespaces/default/secret/after-the-rotation.yaml")
	for recipient := range strings.FieldsSeq(recipients) {
		if strings.HasPrefix(recipient, "age1") && !strings.Contains(sealed, recipient) {
			t.Errorf("%s cannot read\n%s", recipient, sealed)
		}
	}
}

// keysReplaced does what docs/install.md says about the other keys. What was signed with the old one stays trusted, and what is
// made from then on is signed with the new one.
func (i *installation) keysReplaced(t *testing.T, f *fleet) {
	before := i.forge.git(t, "rev-parse", "main")
	i.scale(t, 0)
	i.rotate(t, "--new-signing-key", "--new-fingerprint-key")
	i.secret(t, "appbur-keys", i.keys, "signing.key", "fingerprint.key", "allowed_signers")
	i.scale(t, 2)
	i.ready(t)
	i.change(t, "after-the-keys")
	i.pointWith(t, f, "acme-rotated")

	repo := filepath.Join(t.TempDir(), "mgmt.git")
	i.ok(t, "clone", i.forge.url, repo, "--keys", i.keys, "--credentials", i.forge.credentials(t))
	signers := "gpg.ssh.allowedSignersFile=" + filepath.Join(i.keys, "allowed_signers")
	for commit := range strings.Lines(testremote.Git(t, repo, "rev-list", "main")) {
		testremote.Git(t, repo, "-c", signers, "verify-commit", strings.TrimSpace(commit))
	}
	with := func(commit string) string { return testremote.Git(t, repo, "-c", signers, "verify-commit", commit) }
	if old, now := with(before), with("main"); keyOf(old) == keyOf(now) {
		t.Errorf("the commit before says\n%s\nthe one after it says\n%s", old, now)
	}
}

// rotate changes keys on the machine, and pushes.
func (i *installation) rotate(t *testing.T, change ...string) {
	t.Helper()
	place := []string{"--repo", i.repo, "--keys", i.keys}
	i.ok(t, append(append([]string{"keys", "rotate", "--yes"}, change...), place...)...)
	i.ok(t, append([]string{"remotes", "push"}, place...)...)
}

// keyOf finds the fingerprint of the key in what git says about a signature.
func keyOf(said string) string {
	_, key, _ := strings.Cut(said, "SHA256:")
	return strings.TrimSpace(key)
}

// change makes a Secret in the cluster, and waits until the server has it.
func (i *installation) change(t *testing.T, name string) {
	t.Helper()
	i.create(t, name)
	i.node.Eventually(t, "the Git server has the Secret "+name, func() error {
		if !strings.Contains(i.forge.git(t, "ls-tree", "-r", "--name-only", "main"), "secret/"+name+".yaml") {
			return fmt.Errorf("it has not\n%s", i.said(t))
		}
		return nil
	})
}

func (i *installation) create(t *testing.T, name string) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{"password": "pa55-" + name}}
	if _, err := i.node.Client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// scale does what `kubectl scale` does, and waits for the pods that have to go.
func (i *installation) scale(t *testing.T, replicas int32) {
	t.Helper()
	wanted := &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: "appbur", Namespace: namespace}, Spec: autoscalingv1.ScaleSpec{Replicas: replicas},
	}
	if _, err := i.node.Client.AppsV1().Deployments(namespace).UpdateScale(t.Context(), "appbur", wanted, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	i.node.Eventually(t, "pods are gone", func() error {
		list, err := i.node.Client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
		if err == nil && len(list.Items) > int(replicas) {
			err = fmt.Errorf("%d are there", len(list.Items))
		}
		return err
	})
}
