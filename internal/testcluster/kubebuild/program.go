//go:build unix

package kubebuild

// Program is one of the servers of a control plane, named as its binary is.
type Program string

// The programs of a control plane.
const (
	Etcd              Program = "etcd"
	APIServer         Program = "kube-apiserver"
	ControllerManager Program = "kube-controller-manager"
)

// programs lists what a version consists of, in build order: the API server
// first, because the other Kubernetes program then finds most packages compiled.
var programs = []Program{APIServer, ControllerManager, Etcd}

// mainPackages says which package each program is built from.
var mainPackages = map[Program]string{
	Etcd:              "go.etcd.io/etcd/server/v3",
	APIServer:         "k8s.io/kubernetes/cmd/kube-apiserver",
	ControllerManager: "k8s.io/kubernetes/cmd/kube-controller-manager",
}

// Binaries are the paths of the programs of one version.
type Binaries struct {
	Etcd              string
	APIServer         string
	ControllerManager string
}

// set records where a program is.
func (b *Binaries) set(p Program, path string) {
	switch p {
	case Etcd:
		b.Etcd = path
	case APIServer:
		b.APIServer = path
	case ControllerManager:
		b.ControllerManager = path
	}
}
