package audit

import (
	"encoding/json"
	"time"
)

// event is what is read of an audit event (audit.k8s.io/v1).
type event struct {
	Level            string            `json:"level"`
	AuditID          string            `json:"auditID"`
	Stage            string            `json:"stage"`
	RequestURI       string            `json:"requestURI"`
	Verb             string            `json:"verb"`
	User             user              `json:"user"`
	ImpersonatedUser *user             `json:"impersonatedUser"`
	UserAgent        string            `json:"userAgent"`
	ObjectRef        *objectRef        `json:"objectRef"`
	ResponseStatus   *responseStatus   `json:"responseStatus"`
	RequestObject    json.RawMessage   `json:"requestObject"`
	ResponseObject   json.RawMessage   `json:"responseObject"`
	Received         time.Time         `json:"requestReceivedTimestamp"`
	At               time.Time         `json:"stageTimestamp"`
	Annotations      map[string]string `json:"annotations"`
}

type user struct {
	Username string `json:"username"`
}

type objectRef struct {
	Resource        string `json:"resource"`
	Subresource     string `json:"subresource"`
	Namespace       string `json:"namespace"`
	Name            string `json:"name"`
	APIGroup        string `json:"apiGroup"`
	ResourceVersion string `json:"resourceVersion"`
}

type responseStatus struct {
	Code    int `json:"code"`
	Details *struct {
		UID string `json:"uid"`
	} `json:"details"`
}

// object is what is read of an object that was answered.
type object struct {
	Kind     string          `json:"kind"`
	Metadata objectMeta      `json:"metadata"`
	Spec     json.RawMessage `json:"spec"`
	Items    []struct {
		Metadata objectMeta `json:"metadata"`
	} `json:"items"`
}

type objectMeta struct {
	UID                string     `json:"uid"`
	Namespace          string     `json:"namespace"`
	Name               string     `json:"name"`
	ResourceVersion    string     `json:"resourceVersion"`
	DeletionTimestamp  *time.Time `json:"deletionTimestamp"`
	GracePeriodSeconds *int64     `json:"deletionGracePeriodSeconds"`
	Finalizers         []string   `json:"finalizers"`
}

// waits reports whether an object that is to be deleted cannot go yet.
func (o object) waits() bool {
	var namespace struct {
		Finalizers []string `json:"finalizers"`
	}
	if o.Kind == "Namespace" {
		_ = json.Unmarshal(o.Spec, &namespace) // what is no list of texts names no finalizers
	}
	return len(o.Metadata.Finalizers) > 0 || len(namespace.Finalizers) > 0 || o.Metadata.grace() > 0
}

// grace is how long the object may stay after its deletion was asked for.
func (m objectMeta) grace() time.Duration {
	if m.GracePeriodSeconds == nil || *m.GracePeriodSeconds < 0 || *m.GracePeriodSeconds > int64(longestGrace/time.Second) {
		return 0
	}
	return time.Duration(*m.GracePeriodSeconds) * time.Second
}

// longestGrace is the longest grace period that is believed.
const longestGrace = 10 * 365 * 24 * time.Hour
