package gitsync

import (
	"errors"

	"github.com/appbur/appbur/pkg/gitsync/internal/format"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/refs"
)

// What callers are told beside the kind of an error.
type (
	// NotRepositoryError is a directory that is no bare repository.
	NotRepositoryError = format.NotRepositoryError
	// NoSpaceError is a disk that is full, and what was to be written.
	NoSpaceError = pack.NoSpaceError
)

// The errors that callers tell apart. They arrive wrapped, with the name of what
// they are about and usually with a hint.
var (
	// ErrNoRepository means that the directory holds no bare Git repository.
	ErrNoRepository = format.ErrNoRepository
	// ErrExists means that a new repository would land on something that exists.
	ErrExists = errors.New("already exists and is not empty")
	// ErrUnsupported means that the repository uses a format that this package
	// would misread.
	ErrUnsupported = object.ErrUnsupported
	// ErrRefName means that a ref cannot be called so.
	ErrRefName = object.ErrRefName
	// ErrRefNotFound means that there is no such ref.
	ErrRefNotFound = refs.ErrNotFound
	// ErrRefMoved means that the ref is not where the edit began. The edit is
	// untouched; the caller starts again from the new tip.
	ErrRefMoved = refs.ErrMoved
	// ErrTagExists means that the tag's name is taken. Tags never move.
	ErrTagExists = errors.New("tag already exists")
	// ErrLocked means that another process is writing and did not finish in time.
	ErrLocked = refs.ErrLocked
	// ErrUnchanged means that the edit's tree is that of its base, so that there
	// is nothing to commit.
	ErrUnchanged = errors.New("nothing changed")
	// ErrObjectNotFound means that the repository lacks an object.
	ErrObjectNotFound = object.ErrObjectNotFound
	// ErrCorrupt means that bytes in the repository are not what they must be.
	ErrCorrupt = object.ErrCorrupt
	// ErrTooLarge means that something claims to be larger than the limits allow. It was
	// not read.
	ErrTooLarge = object.ErrTooLarge
	// ErrPath means that a path cannot be stored.
	ErrPath = object.ErrPath
	// ErrNoSpace means that the file system has no room for what must be written.
	// What was there before is complete.
	ErrNoSpace = pack.ErrNoSpace
	// ErrReadOnly means that the repository may be read and not written.
	ErrReadOnly = pack.ErrReadOnly
	// ErrPathConflict means that a file would take the place of a directory, or
	// the other way round.
	ErrPathConflict = errors.New("path conflict")
)
