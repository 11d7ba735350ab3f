package contract

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// DialOptions say how to reach an application.
type DialOptions struct {
	// TLS secures TCP. It is not used for unix sockets. Certificates are shown to
	// applications that request one. Versions before 1.2 are never used.
	TLS *tls.Config
	// Token proves to the application who calls; see [TokenFile]. It is never sent
	// over TCP without TLS.
	Token TokenSource
	// Insecure allows TCP without TLS.
	Insecure bool
	// Timeout is how long to keep trying while the application cannot be reached.
	// Zero means 10 seconds.
	Timeout time.Duration
	// Name and Version of the calling program, for the application's log.
	Name, Version string
}

// Client calls one application. It may be used from several goroutines.
type Client struct {
	conn    *grpc.ClientConn
	calls   contractpb.AppStateClient
	address string
	options DialOptions
	// watched is the zero value where there is no TLS.
	watched watchedTLS
	// after is what ends with the connection; it may be nil.
	after func() error
}

const defaultDialTimeout = 10 * time.Second

// dialBackoff is between the first questions to an application that may be starting.
var dialBackoff = backoff.Backoff{First: 50 * time.Millisecond, Most: 2 * time.Second}

// Dial connects to "unix:///path" or "host:port" and makes sure that an
// application answers there which shares a contract version with this package.
func Dial(ctx context.Context, address string, o DialOptions) (*Client, error) {
	transport, err := transportFor(address, o)
	if err != nil {
		return nil, err
	}
	target := address
	if _, ok := unixPath(address); !ok {
		// The name is resolved by the dialer, once per connection: an export must
		// stay with the replica that it began with.
		target = "passthrough:///" + address
	}
	return connect(ctx, target, address, transport, o)
}

// connect is [Dial] for a transport that is chosen. The address is for errors.
func connect(
	ctx context.Context, target, address string, transport credentials.TransportCredentials, o DialOptions, more ...grpc.DialOption,
) (*Client, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingInterval, Timeout: pingTimeout, PermitWithoutStream: true}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           grpcbackoff.Config{BaseDelay: streamBackoff.First, Multiplier: 1.6, Jitter: 0.2, MaxDelay: streamBackoff.Most},
			MinConnectTimeout: streamBackoff.Most,
		}),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(newChunkCodec())),
		// Proxies are named by the environment, which only the command line reads.
		grpc.WithNoProxy(),
	}

	options = append(options, more...)
	if o.Token != nil {
		options = append(options, grpc.WithPerRPCCredentials(perCall{o.Token}))
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("connecting to %s: %w", address, err), "use unix:///path or host:port")
	}
	c := &Client{conn: conn, calls: contractpb.NewAppStateClient(conn), address: address, options: o}
	c.watched, _ = transport.(watchedTLS)
	if err := c.reach(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

func transportFor(address string, o DialOptions) (credentials.TransportCredentials, error) {
	_, unix := unixPath(address)
	switch {
	case unix:
		return unixTransport{}, nil
	case o.TLS != nil:
		return newWatchedTLS(o.TLS), nil
	case o.Insecure && o.Token != nil:
		return nil, appbur.WithHint(fmt.Errorf("connecting to %s: %w: everybody on the way could take the token", address, ErrPlaintext),
			"name the certificate authority of the application, use a unix socket, or leave the token out")
	case o.Insecure:
		return insecure.NewCredentials(), nil
	default:
		return nil, appbur.WithHint(fmt.Errorf("connecting to %s: %w", address, ErrPlaintext),
			"name the certificate authority of the application, use a unix socket, or allow plain text in as many words")
	}
}

// reach requests Info until the application answers or the time is up.
func (c *Client) reach(ctx context.Context) error {
	timeout := c.options.Timeout
	if timeout <= 0 {
		timeout = defaultDialTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last error

	for failures := 0; ; failures++ {
		_, err := c.Info(ctx)
		var e *Error
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &e) || e.Code != codes.Unavailable:
			// The end of our own timeout says less than the last refusal.
			if last != nil && ctx.Err() != nil {
				return last
			}
			return err
		}
		if refused := c.certificateError(); refused != nil {
			return refused
		}
		last = err
		if backoff.Sleep(ctx, dialBackoff.Delay(failures)) != nil {
			return last
		}
		c.conn.ResetConnectBackoff()
	}
}

// Close ends the connection.
func (c *Client) Close() error {
	var err error
	if closed := c.conn.Close(); closed != nil {
		err = fmt.Errorf("closing the connection to %s: %w", c.address, closed)
	}
	if c.after != nil {
		err = errors.Join(err, c.after())
	}
	return err
}

// Connection returns the connection for services that are served next to the
// contract.
func (c *Client) Connection() grpc.ClientConnInterface { return c.conn }

// Ready returns nil when the application's health service reports SERVING.
func (c *Client) Ready(ctx context.Context) error {
	response, err := grpc_health_v1.NewHealthClient(c.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{
		Service: contractpb.AppState_ServiceDesc.ServiceName,
	})
	if err != nil {
		return fromStatus("reading the health of the application", c.address, err)
	}
	if state := response.GetStatus(); state != grpc_health_v1.HealthCheckResponse_SERVING {
		return appbur.WithHint(&Error{
			Code: codes.Unavailable, Reason: ReasonBackendUnavailable, Retryable: true,
			Message: fmt.Sprintf("the application at %s reports %s", c.address, state),
		}, meanings[ReasonBackendUnavailable].hint)
	}
	return nil
}

// Info is what an application says about itself.
type Info struct {
	// App is the id, Version the application's own version.
	App, Version string
	// Instance is another one after a restart or on another replica.
	Instance     string
	Capabilities []string
	Limits       Limits
	// Datasets are in the order of export.
	Datasets []DatasetInfo
}

// Limits of what the application accepts and sends.
type Limits struct {
	MaxChunkBytes int
	MaxRowBytes   int64
	// MaxPayloadBytes is the longest payload of one dataset that an import takes,
	// 0 if the application does not say.
	MaxPayloadBytes    int64
	MaxParallelExports int
	// ExportLease and ImportLease say how long a broken stream can be resumed,
	// OperationRetention how long results of imports are remembered at least.
	ExportLease, ImportLease, OperationRetention time.Duration
}

// DatasetInfo describes one dataset; see [Dataset].
type DatasetInfo struct {
	Name, Description string
	Schema, Reads     string
	MediaType         string
	Key               []string
	Sensitive         bool
	DependsOn         []string
	Upcasts           []UpcastInfo
	Defaults          []FieldDefault
	UnknownFields     UnknownFields
	// Required datasets are part of every useful restore.
	Required bool
	// EstimatedRows and EstimatedSize are guesses, 0 when there is none.
	EstimatedRows, EstimatedSize int64
}

// Opaque reports whether the payload is bytes that only the application reads.
func (d DatasetInfo) Opaque() bool { return d.MediaType != MediaType }

// Offers reports whether the application has a capability, for example
// "fingerprint.v1".
func (i Info) Offers(capability string) bool { return slices.Contains(i.Capabilities, capability) }

// UpcastInfo is one declared step; see [Upcast].
type UpcastInfo struct {
	From, To string
	Changes  []Change
}

// Info reads what the application is. It works before the application is ready.
func (c *Client) Info(ctx context.Context) (Info, error) {
	response, err := c.calls.GetInfo(ctx, &contractpb.GetInfoRequest{
		ContractVersions: []string{ContractVersion}, CallerName: c.options.Name, CallerVersion: c.options.Version,
	})
	if err != nil {
		return Info{}, fromStatus("reading what the application is", c.address, err)
	}
	info, err := readInfo(response)
	if err != nil {
		return Info{}, violation(c.address, err)
	}
	return info, nil
}

// readInfo accepts only descriptions that can be worked with.
func readInfo(response *contractpb.GetInfoResponse) (Info, error) {
	if v := response.GetContractVersion(); v != ContractVersion {
		return Info{}, fmt.Errorf("it chose contract version %q, which was not offered", v)
	}
	if err := checkAppID(response.GetAppId()); err != nil {
		return Info{}, err
	}
	limits := response.GetLimits()
	if limits.GetMaxChunkBytes() == 0 || limits.GetMaxRowBytes() == 0 {
		return Info{}, errors.New("a limit is zero")
	}

	info := Info{
		App: response.GetAppId(), Version: response.GetAppVersion(), Instance: response.GetInstanceId(),
		Capabilities: response.GetCapabilities(),
		Limits: Limits{
			MaxChunkBytes: int(limits.GetMaxChunkBytes()), MaxRowBytes: int64(limits.GetMaxRowBytes()),
			MaxPayloadBytes: int64(min(limits.GetMaxPayloadBytes(), math.MaxInt64)), MaxParallelExports: int(limits.GetMaxParallelExports()),
			ExportLease: limits.GetExportLease().AsDuration(), ImportLease: limits.GetImportLease().AsDuration(),
			OperationRetention: limits.GetOperationRetention().AsDuration(),
		},
	}

	for _, d := range response.GetDatasets() {
		dataset, err := readDatasetInfo(d)
		if err != nil {
			return Info{}, fmt.Errorf("dataset %q: %w", d.GetName(), err)
		}
		if slices.ContainsFunc(info.Datasets, func(other DatasetInfo) bool { return other.Name == dataset.Name }) {
			return Info{}, fmt.Errorf("two datasets are called %s", dataset.Name)
		}
		info.Datasets = append(info.Datasets, dataset)
	}

	return info, nil
}

func readDatasetInfo(d *contractpb.DatasetInfo) (DatasetInfo, error) {
	if err := checkLabel(d.GetName()); err != nil {
		return DatasetInfo{}, err
	}
	schema, err := parseSchema(d.GetSchema())
	if err != nil {
		return DatasetInfo{}, err
	}
	reads, err := newReadRange(d.GetReads(), schema, nil)
	if err != nil {
		return DatasetInfo{}, err
	}
	if !reads.contains(schema) {
		return DatasetInfo{}, fmt.Errorf("it writes schema %s but reads only %q", schema, d.GetReads())
	}

	info := DatasetInfo{
		Name: d.GetName(), Description: d.GetDescription(), Schema: d.GetSchema(), Reads: d.GetReads(), MediaType: d.GetMediaType(),
		Key: d.GetKey(), Sensitive: d.GetSensitive(), DependsOn: d.GetDependsOn(),
		Required: d.GetRequired(), EstimatedRows: int64(min(d.GetEstimatedRows(), math.MaxInt64)),
		EstimatedSize: int64(min(d.GetEstimatedBytes(), math.MaxInt64)),
	}

	for policy, sent := range unknownFieldsSent {
		if sent == d.GetUnknownFields() {
			info.UnknownFields = policy
		}
	}

	if !info.Opaque() {
		if err := checkKey(info.Key); err != nil {
			return DatasetInfo{}, err
		}
	}

	for _, u := range d.GetUpcasts() {
		upcast := UpcastInfo{From: u.GetFrom(), To: u.GetTo()}
		for _, change := range u.GetChanges() {
			upcast.Changes = append(upcast.Changes, readChange(change))
		}
		info.Upcasts = append(info.Upcasts, upcast)
	}

	for _, f := range d.GetDefaults() {
		fallback := FieldDefault{Field: f.GetField()}
		if f.GetValueJson() != "" {
			fallback.Value = json.RawMessage(f.GetValueJson())
		}
		if fallback.Field == "" || slices.Contains(info.Key, fallback.Field) || (fallback.Value != nil && !json.Valid(fallback.Value)) {
			return DatasetInfo{}, fmt.Errorf("the default of %q is none", fallback.Field)
		}
		info.Defaults = append(info.Defaults, fallback)
	}

	return info, nil
}

func readChange(c *contractpb.Change) Change {
	change := Change{Path: c.GetPath(), To: c.GetTo(), Reason: c.GetReason()}
	// An operation of a later contract keeps its name, so that it can be shown.
	change.Op = ChangeOp(strings.ToLower(strings.TrimPrefix(c.GetOp().String(), "OP_")))
	if c.GetValueJson() != "" {
		change.Value = []byte(c.GetValueJson())
	}
	return change
}

// ErrIncomplete is a stream that ended, without an error, before it was complete.
var ErrIncomplete = errors.New("the stream ended before it was complete")

// ErrViolation is an answer that breaks the rules of the contract. Nothing that
// came with it may be trusted.
var ErrViolation = errors.New("the application breaks the contract")

func violation(address string, err error) error {
	const hint = "nothing of this answer can be trusted; report it to the authors of the application (appbur's conformance kit shows such defects)"
	return appbur.WithHint(fmt.Errorf("%w: %s: %w", ErrViolation, address, err), hint)
}

func incomplete(address string, err error) error {
	return appbur.WithHint(fmt.Errorf("%w: %s: %w", ErrIncomplete, address, err),
		"try again; look into the log of the application if it happens again")
}
