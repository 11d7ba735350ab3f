package pointrequest

import (
	"encoding/json"
	"strings"
	"time"

	coordination "k8s.io/api/coordination/v1"

	"github.com/appbur/appbur"
)

// The annotations, each with the digits of the request.
const (
	RequestPrefix = "request.points.appbur.io/"
	AnswerPrefix  = "answer.points.appbur.io/"
)

// request is what stands in the annotation of a request.
type request struct {
	At time.Time `json:"at"`
}

// Answer is what stands in the annotation of an answer.
type Answer struct {
	At time.Time `json:"at"`
	// By is the identity of the leader.
	By string `json:"by"`
	// Point is "" if none was made; Error and Hint say why. With both a point is made that does not count yet.
	Point   appbur.RestorePointID `json:"restorePoint,omitempty"`
	Partial bool                  `json:"partial,omitempty"`
	Error   string                `json:"error,omitempty"`
	Hint    string                `json:"hint,omitempty"`
}

// pending are the requests of a Lease without an answer, by their digits.
func pending(lease *coordination.Lease) map[string]string {
	found := map[string]string{}
	for key, value := range lease.Annotations {
		if id, is := strings.CutPrefix(key, RequestPrefix); is {
			found[id] = value
		}
	}
	return found
}

// answered returns an answer, and false if there is none.
func answered(lease *coordination.Lease, id string) (answer Answer, found bool, err error) {
	text, found := lease.Annotations[AnswerPrefix+id]
	if found {
		err = json.Unmarshal([]byte(text), &answer)
	}
	return answer, found, err
}

// outdated are the annotations of answers that nobody waits for any more.
func outdated(lease *coordination.Lease, before time.Time) []string {
	var keys []string
	for key := range lease.Annotations {
		id, is := strings.CutPrefix(key, AnswerPrefix)
		if !is {
			continue
		}
		if answer, _, err := answered(lease, id); err != nil || answer.At.Before(before) {
			keys = append(keys, key)
		}
	}
	return keys
}

// operation is one of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// at is the path of an annotation.
func at(key string) string { return "/metadata/annotations/" + strings.ReplaceAll(key, "/", "~1") }

// merge is a patch that sets annotations, or takes away those that are nil.
func merge(annotations map[string]*string) []byte {
	return encode(map[string]any{"metadata": map[string]any{"annotations": annotations}})
}

func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts and times can be written
	}
	return text
}
