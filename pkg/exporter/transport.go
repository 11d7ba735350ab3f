package exporter

import (
	"net/http"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/internal/deadpeer"
)

const (
	// pingAfter and pingTimeout bound how long a dead connection can look alive: a watch on it would
	// otherwise wait for the kernel, which takes a quarter of an hour. A load balancer answers for the
	// kernel of a server that is gone (internal/deadpeer), and not for the server.
	pingAfter   = 15 * time.Second
	pingTimeout = 15 * time.Second
)

// newClients makes one HTTP client for lists, watches and discovery. Warnings that
// the server sends go to the handler.
func newClients(cfg *rest.Config, warned rest.WarningHandlerWithContext) (rest.Interface, *discovery.DiscoveryClient, error) {
	config := dynamic.ConfigFor(cfg)
	config.QPS = -1
	config.Burst = 0
	config.RateLimiter = nil
	config.Timeout = 0
	config.WarningHandler = nil
	config.WarningHandlerWithContext = warned

	if config.Transport == nil {
		// A transport with a proxy function is not shared with other clients of the
		// process, so its settings may be changed.
		if config.Proxy == nil {
			config.Proxy = http.ProxyFromEnvironment
		}
		if config.Dial == nil {
			config.Dial = deadpeer.Dialer().DialContext
		}
		config.Wrap(pingConnections)
	}

	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, nil, err
	}
	config.GroupVersion = nil
	config.APIPath = "/"

	requests, err := rest.UnversionedRESTClientForConfigAndClient(config, client)
	if err != nil {
		return nil, nil, err
	}
	found, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, nil, err
	}
	return requests, found, nil
}

// pingConnections sets the HTTP/2 health check whatever the environment of the
// process says about it.
func pingConnections(base http.RoundTripper) http.RoundTripper {
	if transport, ok := base.(*http.Transport); ok {
		if transport.HTTP2 == nil {
			transport.HTTP2 = &http.HTTP2Config{}
		}
		transport.HTTP2.SendPingTimeout = pingAfter
		transport.HTTP2.PingTimeout = pingTimeout
	}
	return base
}
