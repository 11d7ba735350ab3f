//go:build unix

package controlplane

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// credentials are what the servers and the clients of one cluster trust and
// prove. The files lie in the directory of the cluster.
type credentials struct {
	dir       string
	ca        []byte // PEM
	authority authority
	token     string // of the administrator
}

// Names of the files in the directory of a cluster.
const (
	caFile                = "ca.crt"
	servingCertFile       = "apiserver.crt"
	servingKeyFile        = "apiserver.key"
	kubeletClientCertFile = "apiserver-kubelet-client.crt"
	kubeletClientKeyFile  = "apiserver-kubelet-client.key"
	serviceAccountFile    = "service-account.key"
	tokenFile             = "tokens.csv"
	kubeconfigFile        = "kubeconfig"
)

func (c credentials) path(file string) string { return filepath.Join(c.dir, file) }

// newCredentials makes an authority, a certificate for the API server at some
// addresses, one with which it calls kubelets, a key for ServiceAccount tokens,
// and the administrator's token.
func newCredentials(dir string, addresses []net.IP, now time.Time) (credentials, error) {
	c := credentials{dir: dir}
	var err error
	if c.authority, err = newAuthority(now); err != nil {
		return credentials{}, err
	}
	c.ca = c.authority.pem()

	servingCert, servingKey, err := c.authority.issue(x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{
			"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		},
		IPAddresses: addresses,
	})
	if err != nil {
		return credentials{}, err
	}
	kubeletCert, kubeletKey, err := c.authority.client("kube-apiserver-kubelet-client", "system:masters")
	if err != nil {
		return credentials{}, err
	}
	serviceAccountKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return credentials{}, fmt.Errorf("make ServiceAccount key: %w", err)
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	c.token = hex.EncodeToString(random)

	for file, content := range map[string][]byte{
		caFile:                c.ca,
		servingCertFile:       servingCert,
		servingKeyFile:        servingKey,
		kubeletClientCertFile: kubeletCert,
		kubeletClientKeyFile:  kubeletKey,
		serviceAccountFile: pem.EncodeToMemory(&pem.Block{
			Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(serviceAccountKey),
		}),
		tokenFile: []byte(c.token + `,admin,admin,"system:masters"` + "\n"),
	} {
		if err := os.WriteFile(c.path(file), content, 0o600); err != nil {
			return credentials{}, fmt.Errorf("write credentials: %w", err)
		}
	}
	return c, nil
}

// addUsers adds users to the file of tokens.
func (c credentials) addUsers(users []string) error {
	if len(users) == 0 {
		return nil
	}
	file, err := os.OpenFile(c.path(tokenFile), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("add users: %w", err)
	}
	for _, user := range users {
		if _, err = fmt.Fprintf(file, "%s,%s,%s\n", c.tokenOf(user), user, user); err != nil {
			break
		}
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("add users: %w", err)
	}
	return nil
}

// tokenOf is the token of a user that was added.
func (c credentials) tokenOf(user string) string { return user + "." + c.token }

// writeKubeconfig writes the administrator's kubeconfig. Everything is inline,
// so that the file works wherever it is copied to.
func (c credentials) writeKubeconfig(name, server string) error {
	return c.writeKubeconfigOf(c.path(kubeconfigFile), name, server, "admin", &clientcmdapi.AuthInfo{Token: c.token})
}

func (c credentials) writeKubeconfigOf(path, name, server, user string, proof *clientcmdapi.AuthInfo) error {
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: c.ca}
	config.AuthInfos[user] = proof
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}
