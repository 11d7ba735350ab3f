package configuration

import "github.com/appbur/appbur/internal/settings"

// Apps says which applications restore points hold, and how they are reached.
type Apps struct {
	// Find looks for Services with the label of an application.
	Find bool
	// Commands say in which namespaces ConfigMaps may declare commands.
	Commands []AppCommands
	Named    []NamedApp
	// CA, Cert, Key and TokenFile are files.
	CA, Cert, Key, TokenFile string
	Insecure                 bool
}

// AppCommands is a namespace in which ConfigMaps may declare commands of applications.
type AppCommands struct{ Namespace string }

// NamedApp is an application whose address is given.
type NamedApp struct{ Name, Address string }

var appsTable = settings.Object(
	settings.Field("find", settings.Switch(), func(a *Apps) *bool { return &a.Find }, false,
		settings.About{
			Text:    "Save the applications that Services with the label appbur.io/app lead to. They are looked for before each point.",
			Example: "true", Since: version, Effect: settings.Restart,
		}),
	settings.Elements("commands", settings.ListOf(appCommandsTable, func(a AppCommands) string { return a.Namespace }),
		func(a *Apps) *[]AppCommands { return &a.Commands },
		settings.About{
			Text: "Namespaces whose ConfigMaps with the label appbur.io/app may declare applications as commands that run in their pods " +
				"(docs/programs.md). Who writes such a ConfigMap has commands run there.",
			Without: "no ConfigMap declares any", Example: "[{namespace: shop}]", Since: version, Effect: settings.Restart,
		}),
	settings.Elements("named", settings.ListOf(namedAppTable, func(a NamedApp) string { return a.Name }),
		func(a *Apps) *[]NamedApp { return &a.Named },
		settings.About{
			Text: "Applications whose addresses are known.", Without: "only those that are found",
			Example: "[{name: fleet-system/fleet, address: \"fleet.example:7443\"}]", Since: version, Effect: settings.Restart,
		}),
	settings.Field("ca", settings.LocalPath("a file such as /etc/appbur/apps-ca.pem"), func(a *Apps) *string { return &a.CA }, "",
		settings.About{
			Text: "A PEM file with the authority that signed the certificates of applications.", Without: "the authorities of the system",
			Example: "/etc/appbur/apps-ca.pem", Since: version, Effect: settings.Restart,
		}),
	settings.Field("cert", settings.LocalPath("a file such as /etc/appbur/tls.crt"), func(a *Apps) *string { return &a.Cert }, "",
		settings.About{
			Text: "A PEM file with the certificate that is shown to applications.", Without: "none is shown",
			Example: "/etc/appbur/tls.crt", Since: version, Effect: settings.Restart,
		}),
	settings.Field("key", settings.LocalPath("a file such as /etc/appbur/tls.key"), func(a *Apps) *string { return &a.Key }, "",
		settings.About{
			Text: "The PEM file with the key of apps.cert.", Without: "no certificate is shown",
			Example: "/etc/appbur/tls.key", Since: version, Effect: settings.Restart,
		}),
	settings.Field("tokenFile", settings.LocalPath("a file such as /var/run/secrets/appbur/token"),
		func(a *Apps) *string { return &a.TokenFile }, "",
		settings.About{
			Text: "A file with the bearer token that is shown to the applications of apps.named, for example a projected ServiceAccount " +
				"token, or a directory with a token for each application, NAMESPACE/NAME, also for those that are found. It is read again " +
				"for every call.",
			Without: "none is shown",
			Example: "/var/run/secrets/appbur/token", Since: version, Effect: settings.Restart,
		}),
	settings.Field("insecure", settings.Switch(), func(a *Apps) *bool { return &a.Insecure }, false,
		settings.About{
			Text:    "Connect to applications without TLS. Anyone on the way can read and change their data.",
			Example: "true", Since: version, Effect: settings.Restart,
		}),
)

var appCommandsTable = settings.Object(
	settings.Field("namespace", settings.Text("namespace", "the name of a namespace"),
		func(a *AppCommands) *string { return &a.Namespace }, "",
		settings.About{
			Text: "The namespace of the ConfigMaps and of the pods.", Example: "shop", Since: version, Effect: settings.Restart, Required: true,
		}),
)

var namedAppTable = settings.Object(
	settings.Field("name", settings.Text("name", "a name such as fleet-system/fleet"), func(a *NamedApp) *string { return &a.Name }, "",
		settings.About{
			Text:    "The application, NAMESPACE/NAME; without a namespace it is in default.",
			Example: "fleet-system/fleet", Since: version, Effect: settings.Restart, Required: true,
		}),
	settings.Field("address", settings.Text("address", "host:port, unix:///path or commands:FILE"),
		func(a *NamedApp) *string { return &a.Address }, "",
		settings.About{
			Text: "Where it serves the contract: host:port or unix:///path; or commands:FILE, whose commands run in a pod (docs/programs.md).", Example: `"fleet.example:7443"`, Since: version,
			Effect: settings.Restart, Required: true,
		}),
)
