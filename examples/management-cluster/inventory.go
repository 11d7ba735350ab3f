package managementcluster

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// inventorySize is the size in bytes that the inventory grows to. With its key
// and its last line it stays below the limit of a ConfigMap, 1 MiB.
const inventorySize = 900_000

// inventory is the ConfigMap that somebody uses as a database: a line per server
// that the company ever owned. Equal on every call.
func inventory() *unstructured.Unstructured {
	var lines strings.Builder
	lines.Grow(inventorySize + 256)

	for i := 0; lines.Len() < inventorySize; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "server %d", i))
		fmt.Fprintf(&lines, `{"asset":"NW-%06d","serial":"%X","rack":"%c%02d","u":%d,"owner":"team-%s","mac":"02:%02x:%02x:%02x:%02x:%02x"}`+"\n",
			i, sum[:6], 'A'+sum[6]%8, sum[7]%40+1, sum[8]%42+1,
			[]string{"payments", "search", "logistics"}[int(sum[9])%3],
			sum[10], sum[11], sum[12], sum[13], sum[14])
	}

	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMap",
		"metadata": map[string]any{
			"name":        "server-inventory",
			"namespace":   "fleet-system",
			"labels":      map[string]any{"app.kubernetes.io/name": "inventory"},
			"annotations": map[string]any{"northwind.example/warning": "do not edit; see the runbook first"},
		},
		"data": map[string]any{"servers.jsonl": lines.String()},
	}}
}
