package contract

import "google.golang.org/grpc/codes"

// Reason is why a call failed, from a closed list. SPEC.md says for every call
// which of them it may give.
type Reason string

// The reasons. Each has exactly one gRPC code; see [Reason.Code].
const (
	// ReasonInvalidRequest: a field is missing or malformed, or messages came in
	// the wrong order.
	ReasonInvalidRequest Reason = "INVALID_REQUEST"
	// ReasonNoCommonVersion: caller and application share no contract version.
	ReasonNoCommonVersion Reason = "NO_COMMON_VERSION"
	// ReasonPayloadInvalid: a row does not fit its schema.
	ReasonPayloadInvalid Reason = "PAYLOAD_INVALID"
	// ReasonSchemaTooNew: the payload was written by a later schema.
	ReasonSchemaTooNew Reason = "SCHEMA_TOO_NEW"
	// ReasonSchemaTooOld: the payload was written by a schema that the
	// application reads no more.
	ReasonSchemaTooOld Reason = "SCHEMA_TOO_OLD"
	// ReasonUnknownDataset: the application has no such dataset.
	ReasonUnknownDataset Reason = "UNKNOWN_DATASET"
	// ReasonWrongApp: the payload belongs to another application.
	ReasonWrongApp Reason = "WRONG_APP"
	// ReasonOperationInProgress: another import is running.
	ReasonOperationInProgress Reason = "OPERATION_IN_PROGRESS"
	// ReasonOperationConflict: the operation id was used for something else.
	ReasonOperationConflict Reason = "OPERATION_CONFLICT"
	// ReasonOffsetMismatch: a chunk does not start at the offset that the receiver expects.
	ReasonOffsetMismatch Reason = "OFFSET_MISMATCH"
	// ReasonChecksumMismatch: bytes differ from their checksum.
	ReasonChecksumMismatch Reason = "CHECKSUM_MISMATCH"
	// ReasonNoSpace: the receiver has no space left.
	ReasonNoSpace Reason = "NO_SPACE"
	// ReasonTooLarge: something exceeds a limit of GetInfo.
	ReasonTooLarge Reason = "TOO_LARGE"
	// ReasonBackendUnavailable: the application cannot reach its store.
	ReasonBackendUnavailable Reason = "BACKEND_UNAVAILABLE"
	// ReasonNotQuiesced: the application must be put to rest first.
	ReasonNotQuiesced Reason = "NOT_QUIESCED"
	// ReasonConstraintViolation: the store refused rows.
	ReasonConstraintViolation Reason = "CONSTRAINT_VIOLATION"
	// ReasonVerifyFailed: what was written reads back differently.
	ReasonVerifyFailed Reason = "VERIFY_FAILED"
	// ReasonCapabilityMissing: the feature is not offered.
	ReasonCapabilityMissing Reason = "CAPABILITY_MISSING"
	// ReasonAppFailed: the application failed for a reason of its own.
	ReasonAppFailed Reason = "APP_FAILED"
	// ReasonPanic: the application crashed inside the call.
	ReasonPanic Reason = "PANIC"
	// ReasonSnapshotExpired: the bytes of a broken export are no longer kept.
	ReasonSnapshotExpired Reason = "SNAPSHOT_EXPIRED"
	// ReasonTargetChanged: the state is not the one that the import was meant to
	// replace.
	ReasonTargetChanged Reason = "TARGET_CHANGED"
	// ReasonAlreadyCommitted: the operation passed its commit point.
	ReasonAlreadyCommitted Reason = "ALREADY_COMMITTED"
	// ReasonUnknownOperation: nothing is known under the operation id.
	ReasonUnknownOperation Reason = "UNKNOWN_OPERATION"
	// ReasonTooManyOperations: as many operations as are allowed are under way.
	ReasonTooManyOperations Reason = "TOO_MANY_OPERATIONS"
	// ReasonOperationCancelled: the operation was cancelled.
	ReasonOperationCancelled Reason = "OPERATION_CANCELLED"
)

// meaning is what follows from a reason.
type meaning struct {
	code codes.Code
	// retry says that the same call may succeed later without anybody's help.
	retry bool
	// hint is the next step for a person at the calling side.
	hint string
}

var meanings = map[Reason]meaning{
	ReasonInvalidRequest: {
		codes.InvalidArgument, false,
		"caller and application may be of incompatible releases; compare their versions",
	},
	ReasonNoCommonVersion: {codes.FailedPrecondition, false, "upgrade whichever of appbur and the application is older"},
	ReasonPayloadInvalid: {
		codes.InvalidArgument, false,
		"the payload does not fit the schema it claims; check the release that exported it",
	},
	ReasonSchemaTooNew: {
		codes.FailedPrecondition, false,
		"upgrade the application to the release that wrote the payload, or a later one",
	},
	ReasonSchemaTooOld: {
		codes.FailedPrecondition, false,
		"import into an older release of the application first, then upgrade it step by step",
	},
	ReasonUnknownDataset:      {codes.NotFound, false, "leave the dataset out, or use a release of the application that has it"},
	ReasonWrongApp:            {codes.FailedPrecondition, false, "check which address belongs to which application"},
	ReasonOperationInProgress: {codes.Aborted, true, "wait until the running import ends, then try again"},
	ReasonOperationConflict:   {codes.AlreadyExists, false, "use a new operation id for a new operation"},
	ReasonOffsetMismatch:      {codes.OutOfRange, true, "start the import again"},
	ReasonChecksumMismatch:    {codes.DataLoss, true, "try again once; if it fails again, the network or the stored payload is damaged"},
	ReasonNoSpace:             {codes.ResourceExhausted, false, "free space in the application's spool directory"},
	ReasonTooLarge:            {codes.ResourceExhausted, false, "raise the limit of the application"},
	ReasonBackendUnavailable:  {codes.Unavailable, true, "check that the application reaches its database, then try again"},
	ReasonNotQuiesced:         {codes.FailedPrecondition, false, "stop what writes to the application, then try again"},
	ReasonConstraintViolation: {codes.FailedPrecondition, false, "the rows contradict one another or what the application holds besides them"},
	ReasonVerifyFailed:        {codes.Internal, false, "nothing was changed; report it to the authors of the application"},
	ReasonCapabilityMissing:   {codes.Unimplemented, false, "use a release of the application that offers it"},
	ReasonAppFailed:           {codes.Internal, false, "look into the log of the application"},
	ReasonPanic:               {codes.Internal, false, "look into the log of the application; this is a defect of it"},
	ReasonSnapshotExpired: {
		codes.FailedPrecondition, false,
		"start the export again; if this happens often, raise the application's lease for exports",
	},
	ReasonTargetChanged: {
		codes.Aborted, false,
		"the application was changed meanwhile; look at its state and plan the import again",
	},
	ReasonAlreadyCommitted:   {codes.FailedPrecondition, false, "the import has taken effect; import an earlier state to go back"},
	ReasonUnknownOperation:   {codes.NotFound, false, "list the operations of the application; results are kept for a limited time"},
	ReasonTooManyOperations:  {codes.ResourceExhausted, true, "wait until a running export ends, then try again"},
	ReasonOperationCancelled: {codes.Aborted, false, "start the operation again under a new id"},
}

// Code returns the gRPC code that goes with the reason, or codes.Unknown for a
// reason that is not on the list.
func (r Reason) Code() codes.Code {
	if m, ok := meanings[r]; ok {
		return m.code
	}
	return codes.Unknown
}

// Reasons returns the closed list, in no particular order.
func Reasons() []Reason {
	list := make([]Reason, 0, len(meanings))
	for r := range meanings {
		list = append(list, r)
	}
	return list
}
