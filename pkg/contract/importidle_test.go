package contract_test

import (
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// handClock is a clock that a test moves.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const imported = `{"id":1}` + "\n"

// openImport announces one row and reads the answer. Nothing else is sent.
func openImport(t *testing.T, client *contract.Client,
	id string,
) (grpc.BidiStreamingClient[contractpb.ImportRequest, contractpb.ImportResponse], *contractpb.ImportResponse, error) {
	t.Helper()
	stream, err := contractpb.NewAppStateClient(client.Connection()).Import(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(imported))
	if err := stream.Send(&contractpb.ImportRequest{Message: &contractpb.ImportRequest_Open{Open: &contractpb.ImportOpen{
		OperationId: id, SourceAppId: "notes",
		Datasets: []*contractpb.ImportDataset{{Name: "notes", Schema: "1.0", Rows: 1, Bytes: uint64(len(imported)), Sha256: digest[:]}},
	}}}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	return stream, answer, err
}

// A caller that opens an import and sends nothing more blocks no other for longer than
// ImportIdle. What it sent before is there when it comes back.
func TestAnIdleImportGivesWay(t *testing.T) {
	clock := &handClock{now: time.Unix(1_700_000_000, 0)}
	o := notes()
	o.Now, o.ImportIdle = clock.Now, time.Minute
	client := start(t, memory(), o)
	silentID := operationID(t)
	silent, _, err := openImport(t, client, silentID)
	if err != nil {
		t.Fatal(err)
	}

	clock.forward(time.Minute - 1)
	if _, _, err := openImport(t, client, operationID(t)); !hasReason(err, contract.ReasonOperationInProgress) {
		t.Errorf("before its time: got %v", err)
	}

	clock.forward(1)
	next, answer, err := openImport(t, client, operationID(t))
	if err != nil || answer.GetState().GetPhase() != contractpb.Phase_PHASE_RECEIVING {
		t.Fatalf("after its time: %v, %v", answer, err)
	}
	if _, err := silent.Recv(); !hasReason(err, contract.ReasonOperationInProgress) {
		t.Errorf("the silent caller gets %v", err)
	}

	if err := next.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = next.Recv()
	}
	if _, answer, err = openImport(t, client, silentID); err != nil || answer.GetState().GetPhase() != contractpb.Phase_PHASE_RECEIVING {
		t.Errorf("the silent caller comes back: %v, %v", answer, err)
	}
}

// An import that is never to give way does not.
func TestImportsNeedNotGiveWay(t *testing.T) {
	clock := &handClock{now: time.Unix(1_700_000_000, 0)}
	o := notes()
	o.Now, o.ImportIdle = clock.Now, -1
	client := start(t, memory(), o)
	if _, _, err := openImport(t, client, operationID(t)); err != nil {
		t.Fatal(err)
	}
	clock.forward(24 * time.Hour)
	if _, _, err := openImport(t, client, operationID(t)); !hasReason(err, contract.ReasonOperationInProgress) {
		t.Errorf("got %v", err)
	}
}

func hasReason(err error, want contract.Reason) bool {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason() == string(want)
		}
	}
	return false
}
