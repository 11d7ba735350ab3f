package contract

import (
	"errors"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

func TestSilentStreamsBeat(t *testing.T) {
	beats := make(chan *contractpb.Progress, 100)
	b := newBeating(time.Millisecond, func(p *contractpb.Progress) error {
		beats <- p
		return nil
	}, func(p *contractpb.Progress) *contractpb.Progress { return p })
	b.at(contractpb.Phase_PHASE_APPLYING, "notes")
	b.count(7)
	stop := b.start()
	if p := <-beats; p.GetDataset() != "notes" || p.GetRows() != 7 || p.GetPhase() != contractpb.Phase_PHASE_APPLYING {
		t.Errorf("got %v", p)
	}
	stop()
	stop()
	sent := len(beats)
	if err := b.send(&contractpb.Progress{}); err != nil || len(beats) != sent+1 {
		t.Errorf("after the last beat %d messages were sent, want 1 (%v)", len(beats)-sent, err)
	}
}

func TestBeatsEndWithTheStream(t *testing.T) {
	broken := make(chan struct{}, 100)
	b := newBeating(time.Millisecond, func(*contractpb.Progress) error {
		broken <- struct{}{}
		return errors.New("the stream is gone")
	}, func(p *contractpb.Progress) *contractpb.Progress { return p })
	stop := b.start()
	<-broken
	stop()
	if len(broken) != 0 {
		t.Error("it beat again after the stream broke")
	}
}

func TestReasonsCoverTheProtocol(t *testing.T) {
	known := map[string]bool{}
	for _, r := range Reasons() {
		known["REASON_"+string(r)] = true
		if meanings[r].hint == "" {
			t.Errorf("%s has no hint", r)
		}
	}
	for name := range contractpb.Reason_value {
		if name != "REASON_UNSPECIFIED" && !known[name] {
			t.Errorf("%s of the protocol is no Reason", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("%s is not in the protocol", name)
	}
}
