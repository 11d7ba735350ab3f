package exporter

import (
	"net/http"
	"testing"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/pkg/manifest"
)

func TestConnectionsArePinged(t *testing.T) {
	cfg := &rest.Config{Host: "https://127.0.0.1:1", TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	e, err := New(cfg, manifest.Default(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.WrapTransport != nil || cfg.Proxy != nil || cfg.QPS != 0 {
		t.Error("the configuration of the caller was modified")
	}

	var transport *http.Transport
	for rt := e.client.(*rest.RESTClient).Client.Transport; rt != nil && transport == nil; {
		if found, ok := rt.(*http.Transport); ok {
			transport = found
			break
		}
		wrapper, ok := rt.(utilnet.RoundTripperWrapper)
		if !ok {
			t.Fatalf("transport %T hides what it wraps", rt)
		}
		rt = wrapper.WrappedRoundTripper()
	}

	if transport == nil || transport.HTTP2 == nil || transport.HTTP2.SendPingTimeout != pingAfter ||
		transport.HTTP2.PingTimeout != pingTimeout {
		t.Errorf("HTTP/2 health check is not set: %+v", transport)
	}
	other, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if other.Transport == http.RoundTripper(transport) {
		t.Error("the transport is shared with other clients")
	}
}
