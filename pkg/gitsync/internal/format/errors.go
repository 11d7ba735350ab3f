package format

import "errors"

// ErrNoRepository means that the directory holds no bare Git repository.
var ErrNoRepository = errors.New("not a bare Git repository")
