package contracttest

// cases is the kit, in the order of the catalogue. Ids that are missing here
// belong to later levels of the contract.
var cases = []contractCase{
	{"INFO-001", "GetInfo is free of side effects: ten answers are identical", infoStable},
	{"INFO-004", "datasets and limits are well-formed", infoWellFormed},
	{"EXP-001", "an empty application exports valid, empty datasets", exportEmpty},
	{"EXP-002", "header first, trailers last, offsets without gaps", exportFraming},
	{"EXP-003", "trailers agree with what was sent", exportDigests},
	{"EXP-004", "two exports of unchanged state are byte-identical", exportDeterministic},
	{"EXP-009", "a stream ends with OK only when it is complete", exportComplete},
	{"IMP-001", "export, import into empty, export: identical", importRoundTrip},
	{"IMP-002", "an import replaces exactly, without leftovers", importReplaces},
	{"IMP-003", "importing the same payload again changes nothing", importAgain},
	{"IMP-004", "a retry under the same operation id gets the first answer and applies nothing", importRetry},
	{"IMP-005", "the same operation id with other content is refused", importConflict},
	{"IMP-010", "damaged bytes are refused and nothing is applied", importDamaged},
	{"IMP-011", "a commit with missing or additional data is refused", importIncomplete},
	{"IMP-012", "a dry run changes nothing and predicts the verdict", importDryRun},
	{"IMP-013", "an invalid last row rolls everything back and is named", importInvalidRow},
	{"IMP-014", "too new, too old and foreign payloads are told apart before any write", importUnreadable},
	{"IMP-017", "data that cannot be kept is reported", importDropped},
}
