package contracttest

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/credentials/local"
	"google.golang.org/grpc/status"

	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// connect opens a connection of its own with the credentials of the instance.
func (s *session) connect(options ...grpc.DialOption) (*grpc.ClientConn, error) {
	return s.connectAs(s.instance.Address, s.instance.Dial, s.instance.Credentials, options...)
}

func (s *session) connectAs(address string, dial contract.DialOptions, token credentials.PerRPCCredentials,
	options ...grpc.DialOption,
) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	target := address

	if !strings.HasPrefix(address, "unix:") {
		target = "passthrough:///" + address
		if dial.TLS != nil {
			transport = credentials.NewTLS(dial.TLS)
		}
	} else if token != nil {
		// What goes through a unix socket is private: tokens may be sent.
		transport = local.NewCredentials()
	}

	options = append(options, grpc.WithTransportCredentials(transport), grpc.WithNoProxy())
	if token != nil {
		options = append(options, grpc.WithPerRPCCredentials(token))
	}
	connection, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, err
	}
	s.connections = append(s.connections, connection)
	return connection, nil
}

func (s *session) closeConnections() {
	for _, c := range s.connections {
		_ = c.Close()
	}
}

// answer is what a status says.
type answer struct {
	code     codes.Code
	reason   contract.Reason
	metadata map[string]string
	// informed says that there is an ErrorInfo of the contract's domain, retry that
	// there is a RetryInfo.
	informed, retry bool
	message         string
}

// read takes the status apart, whether it comes from the client or from the stub.
func read(err error) answer {
	var e *contract.Error
	if errors.As(err, &e) {
		return answer{e.Code, e.Reason, e.Metadata, e.Reason != "", e.Retryable, e.Message}
	}
	got := status.Convert(err)
	a := answer{code: got.Code(), message: got.Message()}
	for _, detail := range got.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == "appbur.dev" {
				a.reason, a.metadata, a.informed = contract.Reason(detail.GetReason()), detail.GetMetadata(), true
			}
		case *errdetails.RetryInfo:
			a.retry = true
		}
	}
	return a
}

// refused makes sure that an error has the code and the reason it must have.
func refused(err error, reason contract.Reason) error {
	if err == nil {
		return errors.New("the call succeeded, want " + string(reason))
	}
	if a := read(err); a.code != reason.Code() || a.reason != reason {
		return &unexpected{want: reason, got: a, err: err}
	}
	return nil
}

// unexpected is an error with another code or reason than it should have.
type unexpected struct {
	want contract.Reason
	got  answer
	err  error
}

func (e *unexpected) Error() string {
	return "want " + e.want.Code().String() + " with reason " + string(e.want) + ", got " + e.got.code.String() +
		" with reason \"" + string(e.got.reason) + "\": " + e.err.Error()
}

func (e *unexpected) Unwrap() error { return e.err }

// listed looks an operation up; nil when it is not known.
func (s *session) listed(ctx context.Context, id string) (*contractpb.Operation, error) {
	response, err := s.stub.ListOperations(ctx, &contractpb.ListOperationsRequest{})
	if err != nil {
		return nil, err
	}
	for _, op := range response.GetOperations() {
		if op.GetId() == id {
			return op, nil
		}
	}
	return nil, nil
}
