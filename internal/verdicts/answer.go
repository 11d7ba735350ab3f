package verdicts

// AnswerKind is what an answer of a server comes to.
type AnswerKind string

// The kinds of answers.
const (
	// Accepted objects could be created, or applied.
	Accepted AnswerKind = "taken"
	// Rejected objects could not.
	Rejected AnswerKind = "refused"
	// Unserved objects have a type that the server does not have.
	Unserved AnswerKind = "not served"
	// Unasked objects are those about which the server did not answer.
	Unasked AnswerKind = "not asked"
)

// Answer is what an API server says of an object in a dry run.
type Answer struct {
	Kind AnswerKind `json:"kind"`
	// Said is the text of a refusal, or why there is no answer.
	Said string `json:"said,omitempty"`
	// Warnings are those that came with the answer.
	Warnings []string `json:"warnings,omitempty"`
}
