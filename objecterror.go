package appbur

// ObjectError is about one object and nothing else: it cannot be saved, and that
// costs no other object anything. Who reads many objects notes it and goes on; any
// other error ends the reading.
type ObjectError struct {
	// ID has an empty name when the object has none.
	ID  ObjectID
	Err error
}

// Error implements error.
func (e *ObjectError) Error() string { return e.ID.String() + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ObjectError) Unwrap() error { return e.Err }
