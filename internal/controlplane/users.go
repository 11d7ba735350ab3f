//go:build unix

package controlplane

import (
	"path/filepath"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// KubeconfigOf writes a kubeconfig of a user who proves with a certificate who it is, as components of Kubernetes do,
// and returns its path. RBAC decides what the user may.
func (c *Cluster) KubeconfigOf(file, user string, groups ...string) (path string, err error) {
	certificate, key, err := c.creds.authority.client(user, groups...)
	if err != nil {
		return "", err
	}
	path = filepath.Join(c.Dir, file)
	proof := &clientcmdapi.AuthInfo{ClientCertificateData: certificate, ClientKeyData: key}
	return path, c.creds.writeKubeconfigOf(path, "kubernetes", c.server(), user, proof)
}

// CAFile is the certificate of the cluster's authority.
func (c *Cluster) CAFile() string { return c.creds.path(caFile) }
