// Package drillfile reads what a drill starts and asks besides restoring: a command for each application whose state is
// imported, and commands that say whether all is well (docs/drill.md).
//
//	applications:
//	- name: fleet-system/fleet
//	  command: [fleet-v2, --db, "{dir}/fleet.db", --http, "127.0.0.1:{port:http}", --contract, "{address}"]
//	  checks:
//	  - name: answers
//	    command: [curl, -fsS, "http://127.0.0.1:{port:http}/v2/clusters"]
//	checks:
//	- name: namespaces
//	  command: [kubectl, --kubeconfig, "{kubeconfig}", get, namespace, fleet-system]
//
// A command is a program with its arguments, without a shell. What stands in braces is put in by [Expand]. It is pure:
// nothing is started here.
package drillfile
