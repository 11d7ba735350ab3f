package manifest_test

import (
	"fmt"
	"log"

	"github.com/appbur/appbur/pkg/manifest"
)

// A Service as an API server shows it becomes a manifest that another cluster
// accepts; its address goes into the index.
func ExampleRules_Make() {
	live, err := manifest.Decode([]byte(`
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  uid: 0b5c1d2e-0000-4000-8000-000000000000
  resourceVersion: "4711"
spec:
  clusterIP: 10.96.0.17
  clusterIPs: [10.96.0.17]
  ports: [{port: 80, protocol: TCP}]
  selector: {app: web}
status: {loadBalancer: {}}
`))
	if err != nil {
		log.Fatal(err)
	}
	result, err := manifest.Default().Make(live)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("# %s\n%s", result.Manifest.ID.Path(), result.Manifest.Data)
	fmt.Printf("# index: uid %s, address %s\n", result.Entry.UID, result.Entry.Fields["spec.clusterIP"])

	// Output:
	// # namespaces/shop/service/web.yaml
	// apiVersion: v1
	// kind: Service
	// metadata:
	//   name: web
	//   namespace: shop
	// spec:
	//   ports:
	//   - port: 80
	//     protocol: TCP
	//   selector:
	//     app: web
	// # index: uid 0b5c1d2e-0000-4000-8000-000000000000, address "10.96.0.17"
}

// Each decision names its rule.
func ExampleRules_Decide() {
	decision, err := manifest.Default().Decide(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "kube-root-ca.crt", "namespace": "shop"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s\n", decision.Rule, decision.Reason)
	// Output:
	// exclude-root-ca: every namespace gets the certificate authority of its own cluster
}
