//go:build integration && unix

package kubeauth_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
	"github.com/appbur/appbur/pkg/contract/kubeauth"
)

// bench is an application that real callers of a real cluster call.
type bench struct {
	*testing.T
	cluster *testcluster.Cluster
	client  kubernetes.Interface
	address string
}

const namespace = "fleet-system"

// account makes a ServiceAccount that may create the given resources.
func (b *bench) account(name string, resources ...string) *corev1.ServiceAccount {
	b.Helper()
	sa, err := b.client.CoreV1().ServiceAccounts(namespace).Create(b.Context(),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil {
		b.Fatal(err)
	}
	if len(resources) == 0 {
		return sa
	}
	meta := metav1.ObjectMeta{Name: name}

	_, err = b.client.RbacV1().Roles(namespace).Create(b.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{kubeauth.Group}, Resources: resources, ResourceNames: []string{"fleet"}, Verbs: []string{"create"},
	}}}, metav1.CreateOptions{})
	if err != nil {
		b.Fatal(err)
	}
	_, err = b.client.RbacV1().RoleBindings(namespace).Create(b.Context(), &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: namespace}},
	}, metav1.CreateOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return sa
}

// token requests a bound token from the API server.
func (b *bench) token(account string, audiences ...string) contract.Token {
	b.Helper()
	request, err := b.client.CoreV1().ServiceAccounts(namespace).CreateToken(b.Context(), account, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: audiences},
	}, metav1.CreateOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return contract.Token(request.Status.Token)
}

// forge signs a token as the API server does, with another end of validity.
func (b *bench) forge(sa *corev1.ServiceAccount, expires time.Time) contract.Token {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(b.cluster.Dir, "service-account.key"))
	if err != nil {
		b.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		b.Fatal(err)
	}

	encode := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			b.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}

	body := encode(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + encode(map[string]any{
		"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:" + namespace + ":" + sa.Name,
		"aud": []string{kubeauth.Audience("fleet")},
		"iat": expires.Add(-time.Hour).Unix(), "nbf": expires.Add(-time.Hour).Unix(), "exp": expires.Unix(),
		"kubernetes.io": map[string]any{"namespace": namespace, "serviceaccount": map[string]string{"name": sa.Name, "uid": string(sa.UID)}},
	})

	hash := sha256.Sum256([]byte(body))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, hash[:])
	if err != nil {
		b.Fatal(err)
	}
	return contract.Token(body + "." + base64.RawURLEncoding.EncodeToString(signature))
}

// codes calls for the one and the other right and returns how that ended.
func (b *bench) codes(token contract.Token) (exporting, importing codes.Code) {
	b.Helper()
	client, err := contract.Dial(b.Context(), b.address,
		contract.DialOptions{Token: func(context.Context) (contract.Token, error) { return token, nil }})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	_, exported := client.Verify(b.Context())
	// An import of nothing is refused by what it says, after the guard let it in.
	id, err := contract.NewOperationID(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	_, imported := client.Import(b.Context(), contract.ImportRequest{OperationID: id, SourceApp: "another"})
	return code(exported), code(imported)
}

func code(err error) codes.Code {
	var e *contract.Error
	switch {
	case err == nil:
		return codes.OK
	case errors.As(err, &e):
		return e.Code
	default:
		return codes.Unknown
	}
}

func TestServiceAccountTokens(t *testing.T) {
	b := &bench{T: t, cluster: testcluster.New(t, "1.37.1")}
	config := b.cluster.RESTConfig()
	var err error
	if b.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// The application sends reviews with an account of its own that has what the package
	// says it needs, and nothing else.
	b.account("fleet")
	_, err = b.client.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "fleet-delegator"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "fleet", Namespace: namespace}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	own := *config
	own.BearerToken, own.BearerTokenFile, own.CertData, own.KeyData, own.CertFile, own.KeyFile = string(b.token("fleet")), "", nil, nil, "", ""
	guard, err := kubeauth.New(kubeauth.Options{Config: &own, App: "fleet", Namespace: namespace, Memory: -1, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.serve(guard)

	audience := kubeauth.Audience("fleet")
	exporter := b.account("exporter", "exports")
	b.account("importer", "imports")
	b.account("nobody")
	gone := b.account("gone", "exports")
	goneToken := b.token(gone.Name, audience)
	if e, _ := b.codes(goneToken); e != codes.OK {
		t.Errorf("before its account is deleted: %s", e)
	}
	if err := b.client.CoreV1().ServiceAccounts(namespace).Delete(t.Context(), gone.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the API server to notice that the account is gone", func() bool {
		e, _ := b.codes(goneToken)
		return e == codes.Unauthenticated
	})

	const in = codes.InvalidArgument // an import of nothing, let in
	for name, test := range map[string]struct {
		token                contract.Token
		exporting, importing codes.Code
	}{
		"may export":           {b.token("exporter", audience), codes.OK, codes.PermissionDenied},
		"may import":           {b.token("importer", audience), codes.PermissionDenied, in},
		"may neither":          {b.token("nobody", audience), codes.PermissionDenied, codes.PermissionDenied},
		"several audiences":    {b.token("exporter", "other", audience), codes.OK, codes.PermissionDenied},
		"the default audience": {b.token("exporter"), codes.Unauthenticated, codes.Unauthenticated},
		"another application":  {b.token("exporter", kubeauth.Audience("orders")), codes.Unauthenticated, codes.Unauthenticated},
		"garbage":              {"a.b.c", codes.Unauthenticated, codes.Unauthenticated},
		"nothing":              {"", codes.Unauthenticated, codes.Unauthenticated},
		"signed by hand":       {b.forge(exporter, time.Now().Add(time.Hour)), codes.OK, codes.PermissionDenied},
		"expired":              {b.forge(exporter, time.Now().Add(-time.Minute)), codes.Unauthenticated, codes.Unauthenticated},
	} {
		exporting, importing := b.codes(test.token)
		if importing == codes.FailedPrecondition {
			importing = in // refused for its application, after the guard
		}
		if exporting != test.exporting || importing != test.importing {
			t.Errorf("%s: %s and %s, want %s and %s", name, exporting, importing, test.exporting, test.importing)
		}
	}

	token := b.token("exporter", audience)
	if err := b.client.RbacV1().RoleBindings(namespace).Delete(t.Context(), "exporter", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the right to be gone", func() bool {
		e, _ := b.codes(token)
		return e == codes.PermissionDenied
	})

	b.cluster.StopAPIServer()
	if e, i := b.codes(token); e != codes.Unavailable || i != codes.Unavailable {
		t.Errorf("without an API server: %s and %s, want Unavailable", e, i)
	}
}

// serve runs an application behind the guard until the test ends.
func (b *bench) serve(guard contract.Guard) {
	b.Helper()
	server, err := contract.NewServer(contracttest.NewMemory(nil), contract.Options{
		ID: "fleet", Version: "1", Guard: guard, Datasets: []contract.Dataset{{Name: "clusters", Schema: "1.0", Key: []string{"id"}}},
	})
	if err != nil {
		b.Fatal(err)
	}

	dir, err := os.MkdirTemp("", "appbur")
	if err != nil {
		b.Fatal(err)
	}
	b.address = "unix://" + filepath.Join(dir, "app")
	l, err := contract.Listen(b.Context(), b.address)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()

	b.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, os.RemoveAll(dir)); err != nil {
			b.Error(err)
		}
	})
}

// waitFor polls: the API server learns of changes from its watches.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}
