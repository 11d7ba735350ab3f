package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/endpointslice"
	"github.com/appbur/appbur/internal/leader"
)

// auditServicePort is what the port of a Service for audit events is called (deploy/components/audit).
const auditServicePort = "audit"

// auditService is the Service that leads to who receives audit events.
type auditService struct {
	writer *endpointslice.Writer
	// server is the address of the API server.
	server string
}

// checkAuditService says what is wrong with the Service before anything runs.
func checkAuditService(w configuration.AuditWebhook) error {
	if w.Service == "" {
		return nil
	}
	if w.Listen == "" {
		return &usageError{appbur.WithHint(errors.New("a Service is to lead here for audit events, and nothing listens"),
			"add --audit-listen or audit.webhook.listen, such as 0.0.0.0:9443")}
	}
	if wrong := validation.IsDNS1035Label(w.Service); len(wrong) > 0 {
		return &usageError{appbur.WithHint(fmt.Errorf("the Service for audit events: %q is no name: %s", w.Service, wrong[0]),
			"write the name of a Service without a selector, such as appbur-audit (docs/who.md)")}
	}
	address, err := parseAddress("the address to receive audit events at", "9443", w.Listen)
	if err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(address)
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return &usageError{appbur.WithHint(fmt.Errorf("the Service %s cannot lead to %s, which is this machine for everybody", w.Service, host),
			"listen at an address that others reach, such as 0.0.0.0:9443")}
	}
	return nil
}

// auditService returns who leads the Service here, nil if none is named.
func (o *runOptions) auditService(c configuration.Configuration, elector *leader.Elector, log *slog.Logger) (*auditService, error) {
	if c.Audit.Webhook.Service == "" {
		return nil, nil
	}
	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	namespace, err := o.leaseNamespace(c.LeaderElection.ResourceNamespace)
	if err != nil {
		return nil, err
	}
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("the address of the API server: %w", err)
	}

	options := endpointslice.Options{
		Namespace: namespace, Service: c.Audit.Webhook.Service, Port: auditServicePort, Log: log, Hint: auditServiceHint,
	}
	if elector != nil {
		options.Confirm = elector.Confirm
	}
	port := server.Port()
	if port == "" {
		port = "443"
	}
	writer, err := endpointslice.New(config, options)
	return &auditService{writer: writer, server: net.JoinHostPort(server.Hostname(), port)}, err
}

// auditServiceHint is the next step where a Service does not lead here.
func auditServiceHint(err error) string {
	if apierrors.IsForbidden(err) {
		return "`appbur rbac` prints the right (audit.webhook.service); audit events do not reach this process"
	}
	return hintOf(err)
}

// hold has the Service lead to a listener until the returned function is called.
func (s *auditService) hold(ctx context.Context, listener net.Listener) (leave func(), err error) {
	to, err := s.reached(ctx, listener)
	if err != nil {
		return nil, err
	}
	holding, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.writer.Hold(holding, to)
	}()
	return func() { end(); <-ended }, nil
}

// reached is where others reach a listener: at the address that it has, or at that from which this process reaches the API
// server. Nothing is sent to find that out.
func (s *auditService) reached(ctx context.Context, listener net.Listener) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil || !at.Addr().IsUnspecified() {
		return at, err
	}
	way, err := (&net.Dialer{}).DialContext(ctx, "udp", s.server)
	if err != nil {
		return at, fmt.Errorf("the address at which this process is reached: %w", err)
	}
	defer func() { _ = way.Close() }() // nothing was sent
	own, err := netip.ParseAddrPort(way.LocalAddr().String())
	if err == nil && own.Addr().IsLoopback() {
		err = appbur.WithHint(errors.New("the API server is reached on this machine, at an address that is no other's"),
			"say in audit.webhook.listen at which address API servers reach this process")
	}
	return netip.AddrPortFrom(own.Addr(), at.Port()), err
}
