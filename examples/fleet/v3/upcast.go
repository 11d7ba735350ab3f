package v3

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

// clustersFrom1 brings clusters of release 1 into the form of release 2.
var clustersFrom1 = contract.Upcast{From: "1.0", To: "2.0", Changes: []contract.Change{
	{Op: contract.OpRename, Path: "/k8s", To: "/kubernetesVersion", Reason: "names are spelled out"},
	{Op: contract.OpMove, Path: "/region", To: "/location/region", Reason: "the place of a cluster is one value"},
	{Op: contract.OpMove, Path: "/zone", To: "/location/zone", Reason: "the place of a cluster is one value"},
	{Op: contract.OpAdd, Path: "/lifecycle", Value: json.RawMessage(`"active"`), Reason: "release 1 knew active clusters only"},
	{Op: contract.OpDrop, Path: "/legacyNotes", Reason: "notes have moved to the ticket system"},
}}

// clustersFrom2 gives clusters of release 2 a status.
var clustersFrom2 = contract.Upcast{From: "2.0", To: "3.0", Changes: []contract.Change{
	{Op: contract.OpMove, Path: "/lifecycle", To: "/status/phase", Reason: "how a cluster is has more sides than its age"},
	{
		Op: contract.OpMap, Path: "/status/phase", Value: json.RawMessage(`{"retired":"decommissioned"}`),
		Reason: "phases are those of the inventory",
	},
}}

// windowDefaults is what older windows do not say.
var windowDefaults = []contract.FieldDefault{{Field: "approvedBy", Value: json.RawMessage(`""`)}}
