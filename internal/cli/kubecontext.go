package cli

import (
	"maps"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfigFile is the kubeconfig that the options lead to, an empty one if it cannot be read:
// who needs it asks [clusterOptions.restConfig] first, which says why.
func (o *clusterOptions) kubeconfigFile() *clientcmdapi.Config {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.kubeconfig
	raw, err := rules.Load()
	if err != nil {
		return clientcmdapi.NewConfig()
	}
	return raw
}

// contextName is the context that the options lead to, "" in a pod.
func (o *clusterOptions) contextName() string {
	if o.context != "" {
		return o.context
	}
	return o.kubeconfigFile().CurrentContext
}

// contextNamespace is the namespace that kubectl would use.
func (o *clusterOptions) contextNamespace() string {
	if chosen := o.kubeconfigFile().Contexts[o.contextName()]; chosen != nil && chosen.Namespace != "" {
		return chosen.Namespace
	}
	return "default"
}

// contextNames are the contexts that there are.
func (o *clusterOptions) contextNames() []string {
	return slices.Sorted(maps.Keys(o.kubeconfigFile().Contexts))
}
