//go:build unix

package kubebuild

import "github.com/appbur/appbur/internal/controlplane/binaries"

// Program is one of the servers of a cluster, named as its binary is.
type Program string

// The programs of a control plane.
const (
	Etcd              Program = binaries.Etcd
	APIServer         Program = binaries.APIServer
	ControllerManager Program = binaries.ControllerManager
)

// The programs that nodes need, and the pods on them.
const (
	Kubelet   Program = "kubelet"
	KubeProxy Program = "kube-proxy"
	Scheduler Program = "kube-scheduler"
)

// programs lists what a control plane consists of, in build order: the API server
// first, because the other Kubernetes program then finds most packages compiled.
// [Sources.programs] says which of them a version has.
var programs = []Program{APIServer, ControllerManager, Etcd}

// nodePrograms lists what is built for nodes. Their pins are in modules of their
// own, beside those of the control planes, because few versions need them.
var nodePrograms = []Program{Kubelet, KubeProxy, Scheduler}

// mainPackages says which package each program is built from.
var mainPackages = map[Program]string{
	Etcd:              "go.etcd.io/etcd/server/v3",
	APIServer:         "k8s.io/kubernetes/cmd/kube-apiserver",
	ControllerManager: "k8s.io/kubernetes/cmd/kube-controller-manager",
	Kubelet:           "k8s.io/kubernetes/cmd/kubelet",
	KubeProxy:         "k8s.io/kubernetes/cmd/kube-proxy",
	Scheduler:         "k8s.io/kubernetes/cmd/kube-scheduler",
}

// Binaries are the paths of the programs of a control plane. The controller
// manager is empty where a version is pinned for questions to its API alone.
type Binaries = binaries.Binaries

// NodeBinaries are the paths of the programs of a node.
type NodeBinaries struct {
	Kubelet   string
	KubeProxy string
	Scheduler string
}

// paths says where each program is.
type paths map[Program]string

func (p paths) binaries() Binaries {
	return Binaries{Etcd: p[Etcd], APIServer: p[APIServer], ControllerManager: p[ControllerManager]}
}

func (p paths) nodeBinaries() NodeBinaries {
	return NodeBinaries{Kubelet: p[Kubelet], KubeProxy: p[KubeProxy], Scheduler: p[Scheduler]}
}
