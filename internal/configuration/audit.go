package configuration

import (
	"fmt"
	"time"

	"github.com/appbur/appbur/internal/settings"
)

// Audit says where audit events come from, of which the daemon learns who made a change.
type Audit struct {
	Webhook AuditWebhook
	// Log is the path of a log, "" for none.
	Log string
	// Wait is how long a commit waits for events about its changes.
	Wait time.Duration
}

// AuditWebhook says where API servers send events to, and with which certificates.
type AuditWebhook struct {
	// Listen is "" for nowhere.
	Listen     string
	Cert, Key  string
	ClientCA   string
	ClientName string
	// Service is whose EndpointSlice leads to who listens, "" for none.
	Service string
}

var auditTable = settings.Object(
	settings.Section("webhook", auditWebhookTable, func(a *Audit) *AuditWebhook { return &a.Webhook },
		settings.About{Text: "Where API servers send events to (--audit-webhook-config-file).", Since: version}),
	settings.Field("log", settings.LocalPath("a file such as /var/log/kubernetes/audit/audit.log"),
		func(a *Audit) *string { return &a.Log }, "",
		settings.About{
			Text: "The log that an API server writes on this machine (--audit-log-path). It is followed through rotation; how far it was " +
				"read is kept beside the repository.",
			Without: "no log is read",
			Example: "/var/log/kubernetes/audit/audit.log", Since: version, Effect: settings.Restart,
		}),
	settings.Field("wait", settings.Duration(), func(a *Audit) *time.Duration { return &a.Wait }, DefaultAuditWait,
		settings.About{
			Text: "How long a commit waits for events about its changes that have not come; what comes later is noted. It should be longer " +
				"than API servers gather events (--audit-webhook-batch-max-wait); 0s waits for none. Nothing waits where no events come from anywhere.",
			Example: "5s", Since: version, Effect: settings.Restart,
		}),
)

// DefaultAuditWait fits API servers that send events each second, as docs/who.md has them do it.
const DefaultAuditWait = 3 * time.Second

// longestAuditWait is twice as long as an API server gathers events unless it is told otherwise. Until a commit is made, what was
// seen is in memory only.
const longestAuditWait = time.Minute

// waitsTooLong refuses to wait for events longer than they can take.
func waitsTooLong(c Configuration) (problem, hint string) {
	if c.Audit.Wait <= longestAuditWait {
		return "", ""
	}
	return fmt.Sprintf("a commit waits %s at most for audit events, and not %s", "1m", Table.Text(c, "audit.wait")),
		"an API server gathers events for 30s at most unless it is told otherwise: set audit.wait to 1m or less"
}

var auditWebhookTable = settings.Object(
	settings.Field("listen", settings.Text("address", "an address such as 0.0.0.0:9443"),
		func(w *AuditWebhook) *string { return &w.Listen }, "",
		settings.About{
			Text:    "Where to listen, over HTTPS with client certificates. A port alone is on loopback; HOST:PORT is where it says.",
			Without: "no events are received",
			Example: "0.0.0.0:9443", Since: version, Effect: settings.Restart,
		}),
	settings.Field("cert", settings.LocalPath("a PEM file"), func(w *AuditWebhook) *string { return &w.Cert }, "",
		settings.About{
			Text:    "The certificate that API servers see. It is read again when it changes, as are the next two.",
			Without: "nothing can be received",
			Example: "/etc/appbur/audit/tls.crt", Since: version, Effect: settings.Restart,
		}),
	settings.Field("key", settings.LocalPath("a PEM file"), func(w *AuditWebhook) *string { return &w.Key }, "",
		settings.About{
			Text: "Its key.", Without: "nothing can be received", Example: "/etc/appbur/audit/tls.key", Since: version, Effect: settings.Restart,
		}),
	settings.Field("clientCA", settings.LocalPath("a PEM file"), func(w *AuditWebhook) *string { return &w.ClientCA }, "",
		settings.About{
			Text: "The authority of the certificates that API servers send events with. Whoever has one of them can say who made a change, " +
				"so it is an authority for this alone.",
			Without: "nothing can be received",
			Example: "/etc/appbur/audit/ca.crt", Since: version, Effect: settings.Restart,
		}),
	settings.Field("clientName", settings.Text("name", "a name such as kube-apiserver"),
		func(w *AuditWebhook) *string { return &w.ClientName }, "",
		settings.About{
			Text: "The name in the certificates that API servers send events with.", Without: "any certificate of the authority is heard",
			Example: "kube-apiserver", Since: version, Effect: settings.Restart,
		}),
	settings.Field("service", settings.Text("name", "the name of a Service, such as appbur-audit"),
		func(w *AuditWebhook) *string { return &w.Service }, "",
		settings.About{
			Text: "A Service without a selector, in the namespace of the Lease. The daemon that leads writes its own address into the " +
				"EndpointSlice of the Service, so that events reach it and no other. The address is that of listen, or the one from " +
				"which this process reaches the API server.",
			Without: "nothing is written; a Service with a selector leads to the daemons that do not listen as well",
			Example: "appbur-audit", Since: version, Effect: settings.Restart,
		}),
)
