package managementcluster

import (
	"encoding/json"
	"fmt"
)

// leaderRecord is what leader election wrote into an annotation before there
// were leases.
type leaderRecord struct {
	HolderIdentity       string `json:"holderIdentity"`
	LeaseDurationSeconds int    `json:"leaseDurationSeconds"`
	AcquireTime          string `json:"acquireTime"`
	RenewTime            string `json:"renewTime"`
	LeaderTransitions    int    `json:"leaderTransitions"`
}

func parseLeaderRecord(text string) (leaderRecord, error) {
	var record leaderRecord
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		return leaderRecord{}, fmt.Errorf("read the leader's record: %w", err)
	}
	return record, nil
}

func (r leaderRecord) String() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("internal error: a leader's record has only texts and numbers")
	}
	return string(text)
}
