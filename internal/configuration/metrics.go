package configuration

import "github.com/appbur/appbur/internal/settings"

// Metrics says where the daemon shows what it measures.
type Metrics struct{ Listen string }

var metricsTable = settings.Object(
	settings.Field("listen", settings.Text("address", "a port such as 9420, or an address such as 0.0.0.0:9420"),
		func(m *Metrics) *string { return &m.Listen }, "",
		settings.About{
			Text:    "Where to serve /metrics, /livez and /readyz. A port alone is on loopback; HOST:PORT is where it says.",
			Without: "nothing is served",
			Example: "0.0.0.0:9420", Since: version, Effect: settings.Restart,
		}),
)
