package files

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// ownerPolicy is what becomes of the owner and the group of files and links.
type ownerPolicy string

const (
	// noOwners leaves them out: only an adapter that may give files away could put them
	// back, and few are run with that right. It is the usual.
	noOwners ownerPolicy = "none"
	// numericOwners saves ids, as tar --numeric-owner does. It is right for volumes of
	// containers, whose ids have no names outside.
	numericOwners ownerPolicy = "numeric"
	// namedOwners saves names, so that a service keeps its files where its account has
	// another id. An id without a name is saved as a number.
	namedOwners ownerPolicy = "names"
)

// accounts is one of the two lists of an operating system: users or groups.
type accounts struct {
	what, file string
	// name returns "" for an id without a name, id an error of [errNobody] for a name
	// without an id.
	name func(id string) (string, error)
	id   func(name string) (string, error)
}

var errNobody = errors.New("there is no such account")

// systemUsers and systemGroups ask the operating system.
func systemUsers() accounts {
	return accounts{
		what: "user", file: "/etc/passwd",
		name: func(id string) (string, error) {
			found, err := user.LookupId(id)
			if unknown := user.UnknownUserIdError(0); errors.As(err, &unknown) {
				return "", nil
			}
			if err != nil {
				return "", err
			}
			return found.Username, nil
		},
		id: func(name string) (string, error) {
			found, err := user.Lookup(name)
			if unknown := user.UnknownUserError(""); errors.As(err, &unknown) {
				return "", errNobody
			}
			if err != nil {
				return "", err
			}
			return found.Uid, nil
		},
	}
}

func systemGroups() accounts {
	return accounts{
		what: "group", file: "/etc/group",
		name: func(id string) (string, error) {
			found, err := user.LookupGroupId(id)
			if unknown := user.UnknownGroupIdError(""); errors.As(err, &unknown) {
				return "", nil
			}
			if err != nil {
				return "", err
			}
			return found.Name, nil
		},
		id: func(name string) (string, error) {
			found, err := user.LookupGroup(name)
			if unknown := user.UnknownGroupError(""); errors.As(err, &unknown) {
				return "", errNobody
			}
			if err != nil {
				return "", err
			}
			return found.Gid, nil
		},
	}
}

// naming writes and reads the accounts of one kind for one export or import. It asks
// for each once: an export of many files would read /etc/passwd as often.
type naming struct {
	accounts
	written map[uint32]string
	read    map[string]uint32
}

func newNaming(from accounts) *naming {
	return &naming{accounts: from, written: map[uint32]string{}, read: map[string]uint32{}}
}

// write says whose id it is, as a row does.
func (n *naming) write(policy ownerPolicy, id uint32) (string, error) {
	number := strconv.FormatUint(uint64(id), 10)
	if policy != namedOwners {
		return number, nil
	}
	if known, ok := n.written[id]; ok {
		return known, nil
	}
	name, err := n.name(number)
	if err != nil {
		return "", fmt.Errorf("looking for the name of %s %s: %w", n.what, number, err)
	}
	if _, digits := parseID(name); name == "" || digits {
		name = number // a name of digits would be read as an id
	}
	n.written[id] = name
	return name, nil
}

// readBack is the opposite. What would be written otherwise in the next export is
// refused: it would be given to somebody else than before. Rows of a sensitive dataset
// are not quoted.
func (n *naming) readBack(d *dataset, text string) (uint32, error) {
	if known, ok := n.read[text]; ok {
		return known, nil
	}
	quoted := " " + text
	if d.Sensitive() {
		quoted = ""
	}

	id, isNumber := parseID(text)
	switch {
	case !isNumber && d.owners == numericOwners:
		return 0, appbur.WithHint(wrong("its %s%s is a name, and the configuration takes numbers", n.what, quoted),
			"the state was saved with owners: names; say so in the configuration of the dataset")
	case !isNumber:
		number, err := n.id(text)
		if errors.Is(err, errNobody) {
			return 0, appbur.WithHint(wrong("its %s%s is not known here", n.what, quoted),
				fmt.Sprintf("add the %s to %s where the adapter runs, or save the state with owners: numeric", n.what, n.file))
		}
		if err != nil {
			return 0, fmt.Errorf("looking for a %s: %w", n.what, err)
		}
		if id, isNumber = parseID(number); !isNumber {
			return 0, fmt.Errorf("looking for a %s: the system gave no id", n.what)
		}
	case d.owners == namedOwners:
		written, err := n.write(namedOwners, id)
		if err != nil {
			return 0, err
		}
		if written != text {
			return 0, appbur.WithHint(wrong("its %s%s had no name where it was saved, and is the id of an account here", n.what, quoted),
				"if the ids are right, say owners: numeric in the configuration of the dataset, here and where it is saved")
		}
	}
	n.read[text] = id
	return id, nil
}

// parseID reads an id in its shortest form. The largest number is none: to the system
// it means "leave it as it is".
func parseID(text string) (uint32, bool) {
	id, err := strconv.ParseUint(text, 10, 32)
	return uint32(id), err == nil && id != math.MaxUint32 && text == strconv.FormatUint(id, 10)
}

// owner is whom a file belongs to.
type owner struct{ uid, gid uint32 }

func ownerOf(info fs.FileInfo) (owner, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return owner{}, false
	}
	return owner{stat.Uid, stat.Gid}, true
}

// owners reads and writes the owners of one export or import.
type owners struct{ users, groups *naming }

func (a *Adapter) newOwners() owners { return owners{newNaming(a.users), newNaming(a.groups)} }

// describe puts the owner of a file into the row of it.
func (o owners) describe(r *row, policy ownerPolicy, info fs.FileInfo) error {
	if policy == noOwners {
		return nil
	}
	of, ok := ownerOf(info)
	if !ok {
		return errors.New("the file system has no owners")
	}
	var err error
	if r.Owner, err = o.users.write(policy, of.uid); err != nil {
		return err
	}
	r.Group, err = o.groups.write(policy, of.gid)
	return err
}

// wanted returns whom a row gives its file to, nil when it does not say. Rows that were
// saved before owners were have none.
func (o owners) wanted(d *dataset, r row) (*owner, error) {
	switch {
	case r.Owner == "" && r.Group == "":
		return nil, nil
	case r.Owner == "" || r.Group == "":
		return nil, wrong("it has one of owner and group, and not the other")
	case d.owners == noOwners:
		return nil, appbur.WithHint(wrong("it says whom the file belongs to, and the configuration does not restore owners"),
			"say owners: numeric or owners: names in the configuration of the dataset, as where the state was saved")
	}
	uid, err := o.users.readBack(d, r.Owner)
	if err != nil {
		return nil, err
	}
	gid, err := o.groups.readBack(d, r.Group)
	if err != nil {
		return nil, err
	}
	return &owner{uid, gid}, nil
}

// give gives a file or a link that waits to its owner. It comes after mode and time,
// which only an owner or the right FOWNER may set; it takes nothing from the mode,
// because files with set-user-id or set-group-id are never taken.
func give(root *os.Root, d *dataset, staged string, to owner) error {
	info, err := root.Lstat(staged)
	if err != nil {
		return err
	}
	if is, ok := ownerOf(info); ok && is == to {
		return nil
	}
	return mayNotGive(d, root.Lchown(staged, int(to.uid), int(to.gid)))
}

const giveHint = "run the adapter as root, or with the capabilities CHOWN, FOWNER and DAC_OVERRIDE"

// mayNotGive says what to do when the adapter has no right to give files away. The
// system's own words would quote a path.
func mayNotGive(d *dataset, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return appbur.WithHint(contract.NewError(contract.ReasonAppFailed,
			"dataset %s: the adapter has no right to give files to their owners; nothing was changed", d.Name).With("dataset", d.Name), giveHint)
	case errors.Is(err, syscall.EINVAL):
		return appbur.WithHint(contract.NewError(contract.ReasonAppFailed,
			"dataset %s: an owner has an id that does not exist here; nothing was changed", d.Name).With("dataset", d.Name),
			"the adapter runs in a user namespace; map the ids of the files into it, or run the adapter outside")
	}
	return err
}
