//go:build integration && linux

package installed

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/testnode"
)

const fleetImage = "appbur.test/fleet:1.4.0"

// fleetObjects are an application as its team would deploy it: the Service says what is behind it, and who calls the
// contract shows a certificate.
const fleetObjects = `
apiVersion: v1
kind: Namespace
metadata: {name: fleet-system, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: fleet-ca, namespace: fleet-system}
data: {ca.crt: %[1]q}
---
apiVersion: v1
kind: Secret
metadata: {name: fleet-tls, namespace: fleet-system}
type: kubernetes.io/tls
stringData: {tls.crt: %[2]q, tls.key: %[3]q}
---
apiVersion: v1
kind: Service
metadata:
  name: fleet
  namespace: fleet-system
  labels: {appbur.io/app: fleet}
  annotations: {appbur.io/port: contract, appbur.io/ca-configmap: fleet-ca}
spec:
  selector: {app: fleet}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: contract, port: 7443}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: fleet, namespace: fleet-system}
spec:
  selector: {matchLabels: {app: fleet}}
  template:
    metadata: {labels: {app: fleet}}
    spec:
      enableServiceLinks: false
      securityContext: {runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: fleet
          image: ` + fleetImage + `
          args:
            - --db=/data/fleet.db
            - --http=:8080
            - --contract=:7443
            - --tls-cert=/tls/tls.crt
            - --tls-key=/tls/tls.key
            - --client-ca=/ca/ca.crt
            - --spool-dir=/data
          readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          volumeMounts: [{name: data, mountPath: /data}, {name: tls, mountPath: /tls}, {name: ca, mountPath: /ca}]
      volumes:
        - {name: data, emptyDir: {}}
        - {name: tls, secret: {secretName: fleet-tls}}
        - {name: ca, configMap: {name: fleet-ca}}
`

// fleet is examples/fleet in a cluster.
type fleet struct {
	node *testnode.Node
	// callers is the directory with the certificate of who may call its contract.
	callers string
}

// buildFleet makes the image of the application.
func buildFleet(t *testing.T) *testnode.Image {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "fleet")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "github.com/appbur/appbur/examples/fleet/cmd/fleet-v1")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	return testnode.NewImage(fleetImage).Copy(t, binary, "/fleet").Entrypoint("/fleet").User("1000:1000")
}

// startFleet deploys it, and fills it over its own API.
func startFleet(t *testing.T, node *testnode.Node) *fleet {
	t.Helper()
	authority := newAuthority(t)
	certificate, key := authority.issue(t, "fleet.fleet-system.svc", x509.ExtKeyUsageServerAuth)
	node.Apply(t, documents(t, fmt.Sprintf(fleetObjects, authority.pem, certificate, key))...)

	f := &fleet{node: node, callers: t.TempDir()}
	callerCertificate, callerKey := authority.issue(t, "appbur", x509.ExtKeyUsageClientAuth)
	for name, content := range map[string]string{"tls.crt": callerCertificate, "tls.key": callerKey} {
		if err := os.WriteFile(filepath.Join(f.callers, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.ready(t)
	f.call(t, http.MethodPost, "/v1/customers", map[string]string{
		"id": "acme", "name": "ACME", "tier": "gold", "contactEmail": "it@acme.example",
	})
	f.addCluster(t, "acme-1")
	f.call(t, http.MethodPut, "/v1/clusters/acme-1/credentials", map[string]string{"token": "t0p-s3cr3t"})
	return f
}

func (f *fleet) addCluster(t *testing.T, id string) {
	t.Helper()
	f.call(t, http.MethodPost, "/v1/clusters", map[string]any{
		"id": id, "customerId": "acme", "name": id, "k8s": "1.24.17", "region": "eu", "zone": "eu-1", "labels": map[string]string{},
	})
}

// clusters is what its API says there is.
func (f *fleet) clusters(t *testing.T) string {
	t.Helper()
	return f.call(t, http.MethodGet, "/v1/clusters", nil)
}

// call asks its API at the address of the Service.
func (f *fleet) call(t *testing.T, method, path string, body any) string {
	t.Helper()
	service, err := f.node.Client.CoreV1().Services("fleet-system").Get(t.Context(), "fleet", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+service.Spec.ClusterIP+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}

	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s, %s, %v", method, path, answer.Status, said, err)
	}
	return strings.TrimSpace(string(said))
}

// ready waits for its pod.
func (f *fleet) ready(t *testing.T) {
	t.Helper()
	f.node.Eventually(t, "fleet is ready", func() error {
		deployment, err := f.node.Client.AppsV1().Deployments("fleet-system").Get(t.Context(), "fleet", metav1.GetOptions{})
		if err == nil && deployment.Status.ReadyReplicas == 0 {
			err = fmt.Errorf("it is not: %+v", deployment.Status)
		}
		return err
	})
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{certificate: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fleet"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

// issue makes a certificate for a name, and its key.
func (a authority) issue(t *testing.T, name string, use x509.ExtKeyUsage) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use},
	}, a.certificate, private.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}
