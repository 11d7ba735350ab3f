package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// Operation is an export or import that an application knows.
type Operation struct {
	ID string
	// Kind is "export" or "import".
	Kind string
	// State is "running", "suspended", "succeeded", "failed" or "cancelled".
	State string
	// Phase, Dataset and Rows say where it is.
	Phase, Dataset   string
	Rows             int64
	Started, Updated time.Time
	// Err is why it failed, as the caller of the operation saw it.
	Err error
}

func readOperationMessage(m *contractpb.Operation) Operation {
	op := Operation{
		ID: m.GetId(), Phase: phases[m.GetPhase()], Dataset: m.GetDataset(), Rows: int64(m.GetRows()),
		Kind:    strings.ToLower(strings.TrimPrefix(m.GetKind().String(), "OPERATION_KIND_")),
		State:   strings.ToLower(strings.TrimPrefix(m.GetState().String(), "OPERATION_STATE_")),
		Started: m.GetStarted().AsTime(), Updated: m.GetUpdated().AsTime(),
	}
	if f := m.GetError(); f != nil {
		op.Err = &Error{
			Code: codes.Code(f.GetCode()), Reason: Reason(strings.TrimPrefix(f.GetReason().String(), "REASON_")),
			Message: f.GetMessage(), Metadata: f.GetMetadata(),
		}
	}
	return op
}

// Operation reads the state of an operation.
func (c *Client) Operation(ctx context.Context, id string) (Operation, error) {
	response, err := c.calls.GetOperation(ctx, &contractpb.GetOperationRequest{OperationId: id})
	if err != nil {
		return Operation{}, fromStatus("reading an operation", c.address, err)
	}
	return readOperationMessage(response.GetOperation()), nil
}

// Operations lists what runs, what can be resumed, and what ended and is
// remembered, newest first.
func (c *Client) Operations(ctx context.Context) ([]Operation, error) {
	response, err := c.calls.ListOperations(ctx, &contractpb.ListOperationsRequest{})
	if err != nil {
		return nil, fromStatus("listing operations", c.address, err)
	}
	list := make([]Operation, 0, len(response.GetOperations()))
	for _, m := range response.GetOperations() {
		list = append(list, readOperationMessage(m))
	}
	return list, nil
}

// Cancel ends an operation before its commit point. After it the error has the
// reason [ReasonAlreadyCommitted].
func (c *Client) Cancel(ctx context.Context, id string) (Operation, error) {
	response, err := c.calls.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: id})
	if err != nil {
		return Operation{}, fromStatus("cancelling an operation", c.address, err)
	}
	return readOperationMessage(response.GetOperation()), nil
}

// Release frees what the application keeps so that an export can be resumed.
// [Client.Export] does it; an id that is not known is no error.
func (c *Client) Release(ctx context.Context, id string) error {
	_, err := c.calls.ReleaseExport(ctx, &contractpb.ReleaseExportRequest{OperationId: id})
	return fromStatus("releasing an export", c.address, err)
}

// Fingerprints returns a token per dataset that changes when its content does. The
// reason of the error is [ReasonCapabilityMissing] when there are none.
func (c *Client) Fingerprints(ctx context.Context, datasets ...string) (map[string][]byte, error) {
	response, err := c.calls.GetFingerprint(ctx, &contractpb.GetFingerprintRequest{Datasets: datasets})
	if err != nil {
		return nil, fromStatus("reading fingerprints", c.address, err)
	}
	return tokens(response.GetFingerprints()), nil
}

func tokens(fingerprints []*contractpb.Fingerprint) map[string][]byte {
	if len(fingerprints) == 0 {
		return nil
	}
	all := make(map[string][]byte, len(fingerprints))
	for _, f := range fingerprints {
		all[f.GetDataset()] = f.GetToken()
	}
	return all
}

// Verified is what an application holds, as it says itself.
type Verified struct {
	// Datasets are in the order of export.
	Datasets []VerifiedDataset
	// Problems is what the application's own check found wrong, in sentences.
	Problems []string
}

// VerifiedDataset is what an export of one dataset would give.
type VerifiedDataset struct {
	Name       string
	Rows, Size int64
	Digest     appbur.Digest
}

// Verify has the application read its state and say what it is, which costs no
// transfer.
func (c *Client) Verify(ctx context.Context, datasets ...string) (Verified, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	const doing = "verifying the application"
	stream, err := c.calls.Verify(ctx, &contractpb.VerifyRequest{Datasets: datasets})
	if err != nil {
		return Verified{}, fromStatus(doing, c.address, err)
	}
	var result *contractpb.VerifyResult

	for {
		message, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && result != nil:
			return c.readVerified(result)
		case errors.Is(err, io.EOF):
			return Verified{}, incomplete(c.address, errors.New("no result came"))
		case err != nil:
			return Verified{}, fromStatus(doing, c.address, err)
		case result != nil:
			return Verified{}, violation(c.address, errors.New("something follows the result"))
		}
		result = message.GetResult()
	}
}

func (c *Client) readVerified(result *contractpb.VerifyResult) (Verified, error) {
	verified := Verified{Problems: result.GetProblems()}
	for _, d := range result.GetDatasets() {
		digest, err := digestOf(d.GetSha256())
		if err != nil {
			return Verified{}, violation(c.address, fmt.Errorf("dataset %q: %w", d.GetDataset(), err))
		}
		verified.Datasets = append(verified.Datasets, VerifiedDataset{d.GetDataset(), int64(d.GetRows()), int64(d.GetBytes()), digest})
	}
	return verified, nil
}
