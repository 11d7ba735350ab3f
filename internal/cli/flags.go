package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/contract"
)

// Environment variables that stand in for flags.
const (
	envRepository = "APPBUR_REPO"
	envKeys       = "APPBUR_KEYS"
	envAnchor     = "APPBUR_ANCHOR"
	// envIdentity is the variable that sops reads as well, so one setting serves both.
	envIdentity = "SOPS_AGE_KEY_FILE"
)

func jsonFlag(command *cobra.Command, value *bool) {
	command.Flags().BoolVar(value, "json", false, "print the answer as JSON (fields: docs/json.md)")
}

// headersFlag is for the commands that print a table.
func headersFlag(e *env, command *cobra.Command) {
	command.Flags().BoolVar(&e.noHeaders, "no-headers", false, "print tables without their header line")
}

// clusterOptions say which cluster to use, as kubectl does.
type clusterOptions struct {
	kubeconfig string
	context    string
}

func (o *clusterOptions) addFlags(command *cobra.Command) {
	command.Flags().StringVar(&o.kubeconfig, "kubeconfig", "",
		"kubeconfig `FILE` (default: $KUBECONFIG, ~/.kube/config, or the pod's own service account)")
	command.Flags().StringVar(&o.context, "context", "", "`NAME` of the kubeconfig context (default: its current one)")
}

// restConfig loads the client configuration. It does not connect to the cluster.
func (o *clusterOptions) restConfig() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.context}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	switch {
	case err == nil:
	case errors.Is(err, os.ErrNotExist):
		return nil, appbur.WithHint(fmt.Errorf("kubeconfig: %w", err), "pass --kubeconfig FILE with a file that exists")
	case clientcmd.IsEmptyConfig(err):
		return nil, appbur.WithHint(errors.New("no cluster is configured"), "pass --kubeconfig FILE or set KUBECONFIG")
	default:
		return nil, appbur.WithHint(fmt.Errorf("kubeconfig: %w", kubeconfigFault(err)),
			"check the file with `kubectl config view`, or name another with --kubeconfig FILE")
	}
	config.UserAgent = "appbur/" + version
	return config, nil
}

// appOptions say which applications take part and how to trust them.
type appOptions struct {
	targets  []string
	ca       string
	cert     string
	key      string
	token    string
	insecure bool
}

func (o *appOptions) addFlags(command *cobra.Command, usage string) {
	command.Flags().StringArrayVar(&o.targets, "app", nil,
		"`[NS/]NAME=ADDRESS` of an application "+usage+
			"; ADDRESS is host:port, unix:///path, or commands:FILE for commands in a pod (docs/programs.md); repeatable")
	o.addTrustFlags(command)
}

// addTrustFlags adds the flags that say how to trust applications.
func (o *appOptions) addTrustFlags(command *cobra.Command) {
	f := command.Flags()
	f.StringVar(&o.ca, "app-ca", "", "PEM `FILE` of the authority that applications' certificates are checked against (default: the system's)")
	f.StringVar(&o.cert, "app-cert", "", "PEM `FILE` of the certificate shown to applications")
	f.StringVar(&o.key, "app-key", "", "PEM `FILE` of the key of --app-cert")
	f.StringVar(&o.token, "app-token-file", "",
		"`FILE` with the bearer token shown to the applications of --app, for example a projected ServiceAccount token; read again for "+
			"every call. A directory has one for each application, NAMESPACE/NAME, also for those that are found")
	f.BoolVar(&o.insecure, "app-insecure", false,
		"connect to applications over TCP without TLS; anyone on the way can read and change their data")
}

// applications are those that take part, and how this command reaches them.
func (o *appOptions) applications() ([]apps.Target, apps.Dialer, error) {
	targets, err := o.parse()
	if err != nil {
		return nil, apps.Dialer{}, err
	}
	dialer, err := o.dialer()
	return targets, dialer, err
}

func (o *appOptions) parse() ([]apps.Target, error) {
	var targets []apps.Target
	seen := map[appbur.AppKey]bool{}
	for _, text := range o.targets {
		target, err := apps.Parse(text)
		if err != nil {
			return nil, &usageError{appbur.WithHint(fmt.Errorf("--app: %w", err), "for example --app fleet-system/fleet=fleet.example:7443")}
		}
		if seen[target.AppKey] {
			return nil, &usageError{appbur.WithHint(fmt.Errorf("--app: %s is named twice", target.AppKey),
				"leave one --app out, or give the two applications different names: --app [NAMESPACE/]NAME=ADDRESS")}
		}
		seen[target.AppKey] = true
		if err := checkCommands(target.Address); err != nil {
			return nil, fmt.Errorf("--app: %w", err)
		}
		targets = append(targets, target)
	}
	return targets, nil
}

// What the flags of TLS take.
const (
	caHint   = "--app-ca takes a PEM file with the certificate of the authority that signed those of the applications"
	pairHint = "--app-cert FILE takes the certificate and --app-key FILE its key, both PEM; a file that holds both may be named twice"
)

func (o *appOptions) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.ca != "" {
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, appbur.WithHint(fmt.Errorf("--app-ca: %w", err), caHint)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, appbur.WithHint(fmt.Errorf("--app-ca: %s holds no PEM certificate", o.ca), caHint)
		}
	}

	if (o.cert == "") != (o.key == "") {
		return nil, &usageError{appbur.WithHint(errors.New("--app-cert and --app-key go together"), pairHint)}
	}

	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return nil, appbur.WithHint(fmt.Errorf("--app-cert: %w", err), pairHint)
		}
		config.Certificates = []tls.Certificate{pair}
	}

	return config, nil
}

// dialer is how this command reaches applications.
func (o *appOptions) dialer() (apps.Dialer, error) {
	config, err := o.tlsConfig()
	if err != nil {
		return apps.Dialer{}, err
	}
	dialer := apps.Dialer{TLS: config, Insecure: o.insecure, Version: version}
	if o.token == "" {
		return dialer, nil
	}
	if o.insecure {
		return apps.Dialer{}, &usageError{appbur.WithHint(
			errors.New("--app-token-file and --app-insecure do not go together: everybody on the way could take the token"),
			"pass --app-ca FILE instead of --app-insecure")}
	}
	if held, err := os.Stat(o.token); err == nil && held.IsDir() {
		dialer.TokenOf = tokensIn(o.token)
	} else {
		dialer.Token = contract.TokenFile(o.token)
	}
	return dialer, nil
}

// tokensIn finds the token of an application in a directory, in the file NAMESPACE/NAME.
func tokensIn(dir string) func(appbur.AppKey) contract.TokenSource {
	return func(app appbur.AppKey) contract.TokenSource {
		name := filepath.Join(app.Namespace, app.Name)
		if !filepath.IsLocal(name) {
			return nil
		}
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return contract.TokenFile(path)
	}
}
