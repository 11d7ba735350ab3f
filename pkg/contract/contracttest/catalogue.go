package contracttest

import "slices"

// Level says what passing a case means.
type Level string

// The levels.
const (
	// Required cases are the contract. An application that fails one, or does not
	// show it, has not shown that it keeps the contract.
	Required Level = "REQUIRED"
	// Conditional cases are required of applications that offer what the condition
	// names: a capability of GetInfo, TLS, or tokens.
	Conditional Level = "CONDITIONAL"
	// Recommended cases are what SPEC.md says an application SHOULD do.
	Recommended Level = "RECOMMENDED"
)

// Case describes one rule of the contract. Its id never changes its meaning.
type Case struct {
	ID    string `json:"id"`
	Level Level  `json:"level"`
	// Condition is what a conditional case depends on.
	Condition string `json:"condition,omitempty"`
	Title     string `json:"title"`
	// Proves says what the case does and what follows from its success.
	Proves string `json:"proves"`
	// Hooks are fields of [Instance] or [Config] that the case needs; it is skipped,
	// and counted as not run, without them.
	Hooks []string `json:"hooks,omitempty"`
}

// The conditions that are no capability.
const (
	conditionTLS    = "TLS"
	conditionTokens = "tokens"
)

// The capabilities that cases need.
const (
	capabilityResume      = "resume.v1"
	capabilityOperations  = "operations.v1"
	capabilityFingerprint = "fingerprint.v1"
	capabilityVerify      = "verify.v1"
)

// contractCase is a case and its code.
type contractCase struct {
	Case
	run caseFunc
}

// cases is the kit, in the order of the catalogue.
var cases = slices.Concat(infoCases, exportCases, importCases, netCases)

// Catalogue lists the cases in their order.
func Catalogue() []Case {
	list := make([]Case, len(cases))
	for i, c := range cases {
		list[i] = c.Case
	}
	return list
}

// IDs lists the ids of the cases in their order.
func IDs() []string {
	ids := make([]string, len(cases))
	for i, c := range cases {
		ids[i] = c.ID
	}
	return ids
}

var infoCases = []contractCase{
	{Case{"INFO-001", Required, "", "GetInfo is free of side effects", "Repeated answers are identical, estimates apart.", nil}, infoStable},
	{Case{
		"INFO-002", Required, "", "what a newer caller adds is ignored",
		"Unknown fields, versions and capabilities in GetInfo, Export and Import change nothing.", nil,
	}, infoUnknown},
	{Case{
		"INFO-003", Required, "", "without a common version the call fails and names both sides",
		"GetInfo with a version that neither side supports: NO_COMMON_VERSION, metadata caller and application.", nil,
	}, infoNoCommonVersion},
	{
		Case{
			"INFO-004", Required, "", "datasets and limits are well-formed",
			"Names are unique DNS labels, dependencies come first, no limit is zero, the readable range contains the written schema.", nil,
		},
		infoWellFormed,
	},
	{Case{
		"INFO-005", Required, "", "health is served and follows the application",
		"Both service names report SERVING. With the hook Backend: NOT_SERVING while the backend is away, SERVING afterwards.", nil,
	}, infoHealth},
	{
		Case{
			"INFO-006", Required, "", "capabilities are what is served",
			"What is not offered fails with CAPABILITY_MISSING, what is offered does not, a call that does not exist is UNIMPLEMENTED.", nil,
		},
		infoCapabilities,
	},
}

var exportCases = []contractCase{
	{Case{
		"EXP-001", Required, "", "an empty application exports valid, empty datasets",
		"After an import of nothing, every dataset of rows has 0 bytes.", nil,
	}, exportEmpty},
	{
		Case{"EXP-002", Required, "", "header first, trailers last, offsets without gaps", "Every message of a stream is in its place.", nil},
		exportFraming,
	},
	{Case{
		"EXP-003", Required, "", "trailers agree with what was sent",
		"Checksums, rows, bytes, digests and the manifest digest are computed again from what came.", nil,
	}, exportDigests},
	{
		Case{"EXP-004", Required, "", "two exports of unchanged state are byte-identical", "Equal state gives equal bytes.", nil},
		exportDeterministic,
	},
	{Case{
		"EXP-005", Required, "", "an export changes nothing",
		"State, and fingerprints where there are any, are the same before and after exports, also broken ones.", nil,
	}, exportReadOnly},
	{Case{
		"EXP-006", Required, "", "writes during an export do not show",
		"The state is changed after the header came; the stream still shows one moment, over all datasets.", nil,
	}, exportSnapshot},
	{Case{
		"EXP-007", Required, "", "chunks keep within both limits",
		"Chunks are no longer than requested; a row that is longer than a chunk is split.", nil,
	}, exportChunks},
	{Case{
		"EXP-008", Required, "", "a cancelled export is freed within 5 seconds",
		"As many exports as allowed are opened and cancelled; a new one succeeds, and none is listed as running.", nil,
	}, exportCancelled},
	{Case{
		"EXP-009", Required, "", "a stream ends with OK only when it is complete",
		"The last message is the trailer; a cancelled stream does not look complete.", nil,
	}, exportComplete},
	{Case{
		"EXP-010", Conditional, capabilityResume, "a broken export resumes anywhere with the same bytes",
		"The stream is broken at chunk boundaries and inside chunks; what arrived joins to the very bytes of one export.", nil,
	}, exportResume},
	{Case{
		"EXP-011", Conditional, capabilityResume, "a snapshot that is gone is never replaced by another",
		"Resuming after ReleaseExport, with a foreign snapshot or an unknown operation: SNAPSHOT_EXPIRED. After a change of state: the old bytes or SNAPSHOT_EXPIRED.", nil,
	}, exportExpired},
	{Case{
		"EXP-012", Conditional, capabilityResume, "a resume after a restart gives the same bytes or SNAPSHOT_EXPIRED",
		"The process is killed in the middle of an export and started again.",
		[]string{"Kill", "Restart"},
	}, exportRestarted},
	{Case{
		"EXP-013", Required, "", "single datasets can be exported, with what they depend on",
		"Each dataset alone gives itself and its dependencies; an unknown name fails with UNKNOWN_DATASET.", nil,
	}, exportSubset},
	{Case{
		"EXP-014", Recommended, "", "a slow caller is served and blocks no other",
		"A stream that is read at 1 KiB per second is complete while an import succeeds at the same time.", nil,
	}, exportSlow},
	{Case{
		"EXP-015", Required, "", "a stream is never silent for more than 15 seconds",
		"The application is made slow; progress comes all the same.",
		[]string{"Slow"},
	}, exportHeartbeat},
	{Case{
		"EXP-016", Required, "", "parallel exports work up to the limit and no further",
		"One more than limits.max_parallel_exports fails with TOO_MANY_OPERATIONS; when one ends there is room again.", nil,
	}, exportParallel},
	{Case{
		"EXP-017", Conditional, capabilityResume, "ReleaseExport may be repeated",
		"It succeeds as often as it is called, also for unknown operations.", nil,
	}, exportRelease},
	{Case{
		"EXP-018", Conditional, capabilityFingerprint, "fingerprints show changes",
		"Unchanged state has equal fingerprints; each change of a dataset changes its own.", nil,
	}, exportFingerprint},
}

var importCases = []contractCase{
	{Case{
		"IMP-001", Required, "", "export, import into empty, export: identical",
		"The round trip loses nothing, and the result says what the state is.", nil,
	}, importRoundTrip},
	{
		Case{"IMP-002", Required, "", "an import replaces exactly, without leftovers", "Two different states are imported over each other.", nil},
		importReplaces,
	},
	{Case{"IMP-003", Required, "", "importing the same payload again changes nothing", "Results and state are equal.", nil}, importAgain},
	{Case{
		"IMP-004", Required, "", "a retry under the same operation id gets the first answer and applies nothing",
		"The state is changed between retries, so that an applied one would be seen.", nil,
	}, importRetry},
	{
		Case{"IMP-005", Required, "", "the same operation id with other content is refused", "OPERATION_CONFLICT, and nothing changes.", nil},
		importConflict,
	},
	{Case{
		"IMP-006", Required, "", "an answer that was lost can be fetched",
		"The stream is cut right after the commit; the same call gets the result, and the import happened once.", nil,
	}, importLostAnswer},
	{
		Case{
			"IMP-007", Required, "", "a killed application holds the state before or after, never between",
			"The process is killed while receiving, at several moments after the commit, and after the result.",
			[]string{"Kill", "Restart"},
		},
		importKilled,
	},
	{
		Case{
			"IMP-008", Required, "", "a stream that ends before its commit pauses the import",
			"Nothing is visible; the next call goes on where state says, which is where the first one stopped if there is a lease.", nil,
		},
		importPaused,
	},
	{Case{
		"IMP-009", Required, "", "a wrong offset is refused with the right one; offset 0 starts again",
		"OFFSET_MISMATCH with metadata expected; a dataset sent twice from its start is taken once.", nil,
	}, importOffsets},
	{Case{
		"IMP-010", Required, "", "damaged bytes are refused and nothing is applied",
		"A flipped bit, with and without an honest chunk checksum: CHECKSUM_MISMATCH.", nil,
	}, importDamaged},
	{Case{
		"IMP-011", Required, "", "a commit with missing or additional data is refused",
		"INVALID_REQUEST for missing bytes, missing and foreign datasets, no commit, and another manifest.", nil,
	}, importIncomplete},
	{Case{
		"IMP-012", Required, "", "a dry run changes nothing and predicts the verdict", "For a payload that is good and for one that is not.",
		nil,
	}, importDryRun},
	{
		Case{"IMP-013", Required, "", "an invalid last row rolls everything back and is named", "PAYLOAD_INVALID with dataset and row.", nil},
		importInvalidRow,
	},
	{Case{
		"IMP-014", Required, "", "too new, too old and foreign payloads are distinguished before any write",
		"SCHEMA_TOO_NEW, SCHEMA_TOO_OLD, WRONG_APP.", nil,
	}, importUnreadable},
	{
		Case{
			"IMP-015", Required, "", "payloads of all older releases can be imported",
			"Golden payloads import, the re-export is what the result says, and what was expected where that is given.",
			[]string{"Older"},
		},
		importOlder,
	},
	{Case{
		"IMP-016", Required, "", "fields that the schema does not name are treated as declared",
		"Stored, reported as dropped, or refused; never lost without a word. A later minor version is refused.", nil,
	}, importUnknownField},
	{Case{
		"IMP-017", Required, "", "data that cannot be kept is reported",
		"Golden payloads with data that upcasts drop: the result names it, and it was declared.",
		[]string{"Older"},
	}, importDropped},
	{Case{
		"IMP-018", Required, "", "one import at a time",
		"A second import fails with OPERATION_IN_PROGRESS and succeeds when the first has ended.", nil,
	}, importConcurrent},
	{Case{
		"IMP-019", Required, "", "an export during an import shows the state before or after",
		"Exports run all the time while the complete state is exchanged.", nil,
	}, importVisible},
	{Case{
		"IMP-020", Conditional, capabilityFingerprint, "an import that expects another state is refused",
		"TARGET_CHANGED for a stale fingerprint, and nothing changes; the current one is accepted.", nil,
	}, importExpected},
	{Case{
		"IMP-021", Conditional, capabilityOperations, "an import can be cancelled before its commit point and not after",
		"Before: OPERATION_CANCELLED, the state is unchanged, and cancelling may be repeated. After: ALREADY_COMMITTED.", nil,
	}, importCancelled},
	{Case{
		"IMP-022", Required, "", "references between datasets are checked",
		"A payload without the rows that it refers to fails with CONSTRAINT_VIOLATION.", nil,
	}, importDangling},
	{Case{
		"IMP-023", Required, "", "the order of datasets in the stream does not matter",
		"Datasets are announced and sent in the opposite order, and in turns.", nil,
	}, importOrder},
	{Case{
		"IMP-024", Required, "", "what is too large is refused before it is sent", "TOO_LARGE for a payload and a chunk beyond the limits.",
		nil,
	}, importTooLarge},
	{Case{
		"IMP-025", Recommended, "", "a full disk fails the import and nothing else",
		"NO_SPACE, the state is unchanged, and the import succeeds when there is space again.",
		[]string{"FillDisk"},
	}, importDiskFull},
	{Case{
		"IMP-026", Required, "", "what is created after an import does not collide with what was imported",
		"The application creates something by its own means in an imported state.",
		[]string{"Mutate"},
	}, importThenCreate},
	{Case{
		"IMP-027", Required, "", "values of sensitive datasets are never quoted",
		"A canary in rows that are refused appears in no error, and in no log that the hook Logs gives.", nil,
	}, importCanary},
}

var netCases = []contractCase{
	{Case{
		"NET-001", Conditional, conditionTLS, "callers have exactly the rights they were given",
		"No caller without credentials exports or imports; the identities given may do what they may and nothing else.", nil,
	}, netIdentities},
	{Case{
		"NET-002", Conditional, conditionTokens, "credentials that expire in the middle of a stream harm no state",
		"The stream goes on, or fails with UNAUTHENTICATED; the state is that before or after.",
		[]string{"Expire"},
	}, netExpired},
	{Case{
		"NET-003", Conditional, conditionTLS, "plain text, old TLS and unknown certificates are refused",
		"Three connections that must not work.", nil,
	}, netTransport},
	{Case{
		"NET-004", Required, "", "a gRPC client with default settings can do everything",
		"Export and import with the 4 MiB that every client accepts.", nil,
	}, netDefaultClient},
	{Case{
		"NET-005", Required, "", "keepalive pings every 20 seconds are allowed without a call",
		"Pings on an idle connection, for as long as Idle says; each is answered and the connection stays.",
		[]string{"Idle"},
	}, netKeepalive},
	{Case{
		"NET-006", Required, "", "a deadline that passes leaves clean state",
		"In the middle of an export and of an import; both work again at once.", nil,
	}, netDeadline},
	{
		Case{
			"NET-007", Required, "", "every error carries a reason that the call may give",
			"Hundreds of wrong requests; each error has ErrorInfo, the code of its reason, and RetryInfo exactly where SPEC.md says so.", nil,
		},
		netReasons,
	},
	{Case{
		"NET-008", Required, "", "random bytes crash nothing",
		"Hundreds of random and damaged messages to every call; each ends, none with PANIC, and the state stays.", nil,
	}, netGarbage},
	{Case{
		"NET-009", Required, "", "a stop in good order loses nothing",
		"Health says NOT_SERVING or the connection ends; an import under way is applied or rolled back; what was answered is kept.",
		[]string{"Terminate", "Restart"},
	}, netStop},
	{Case{
		"NET-010", Required, "", "many small exports leave nothing behind",
		"As many exports as Many says; the limits are as before, and so is what the hook Resources counts.", nil,
	}, netLeak},
	{Case{
		"NET-011", Conditional, capabilityResume, "a line that is cut at random places ends in identical bytes",
		"A proxy cuts connections; exports and imports complete by resuming.", nil,
	}, netCuts},
}
