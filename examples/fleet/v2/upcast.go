package v2

import (
	"encoding/json"

	"github.com/appbur/appbur/pkg/contract"
)

// customersFrom1 renames the tiers, as the price list did.
var customersFrom1 = contract.Upcast{From: "1.0", To: "2.0", Changes: []contract.Change{
	{
		Op: contract.OpMap, Path: "/tier", Value: json.RawMessage(`{"gold":"premium","silver":"standard","bronze":"basic"}`),
		Reason: "tiers are named as on the price list",
	},
}}

// clustersFrom1 brings clusters of release 1 into today's form.
var clustersFrom1 = contract.Upcast{From: "1.0", To: "2.0", Changes: []contract.Change{
	{Op: contract.OpRename, Path: "/k8s", To: "/kubernetesVersion", Reason: "names are spelled out"},
	{Op: contract.OpMove, Path: "/region", To: "/location/region", Reason: "the place of a cluster is one value"},
	{Op: contract.OpMove, Path: "/zone", To: "/location/zone", Reason: "the place of a cluster is one value"},
	{Op: contract.OpAdd, Path: "/lifecycle", Value: json.RawMessage(`"active"`), Reason: "release 1 knew active clusters only"},
	{Op: contract.OpDrop, Path: "/legacyNotes", Reason: "notes have moved to the ticket system"},
}}
