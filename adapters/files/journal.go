package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// journalName is the file whose presence means that a commit has begun. Its rename
// into place is the commit point.
const journalName = stageDir + "/journal"

// journal is what a commit does, in an order that works: what goes, then what comes.
type journal struct {
	Actions []action `json:"actions"`
}

// action puts the file New at Path, or removes what is there.
type action struct {
	Path string `json:"path"`
	New  string `json:"new,omitempty"`
	// Old is a second name of what was at Path.
	Old string `json:"old,omitempty"`
	// Owned says that New has the owner that was saved. Directories that are made for it
	// get that owner as well.
	Owned bool `json:"owned,omitempty"`
}

// commit keeps what is there under a second name, writes the journal, and does what it
// says. A failure on the way is undone.
func (j *journal) commit(root *os.Root) error {
	for i := range j.Actions {
		if err := j.Actions[i].keep(root, fmt.Sprintf("%s/%d", kept, i)); err != nil {
			return systemError("keeping what is replaced; nothing was changed", err)
		}
	}
	if err := syncDirs(root, waiting, kept); err != nil {
		return err
	}
	if err := j.write(root); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	if err := j.redo(root); err != nil {
		if undone := j.undo(root); undone != nil {
			return systemError("putting files in place, and putting back what was there; starting the adapter again finishes it", errors.Join(err, undone))
		}
		return systemError("putting files in place; what was there is back", err)
	}
	return nil
}

// keep gives what is at the path a second name, and the new file its owner.
func (a *action) keep(root *os.Root, old string) error {
	info, err := root.Lstat(a.Path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || (err == nil && info.IsDir()) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := root.Link(a.Path, old); err != nil {
		return err
	}
	a.Old = old
	if a.New == "" || a.Owned {
		return nil
	}

	fresh, err := root.Lstat(a.New)
	if err != nil {
		return err
	}
	was, okWas := info.Sys().(*syscall.Stat_t)
	is, okIs := fresh.Sys().(*syscall.Stat_t)
	if !okWas || !okIs || (was.Uid == is.Uid && was.Gid == is.Gid) {
		return nil
	}
	if err := root.Lchown(a.New, int(was.Uid), int(was.Gid)); err != nil {
		return err
	}
	if fresh.Mode().IsRegular() {
		// Changing the owner may take permissions away.
		return root.Chmod(a.New, fresh.Mode().Perm())
	}
	return nil
}

func (j *journal) write(root *os.Root) error {
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	f, err := root.OpenFile(journalName+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := root.Rename(journalName+".new", journalName); err != nil {
		return err
	}
	return syncDirs(root, stageDir)
}

// redo does what is not done yet. It may be repeated at any point.
func (j *journal) redo(root *os.Root) error {
	if err := j.step(root); err != nil {
		return err
	}
	return j.end(root)
}

// step removes what goes, then places what comes.
func (j *journal) step(root *os.Root) error {
	for _, a := range j.Actions {
		if a.New != "" {
			continue
		}
		if info, err := root.Lstat(a.Path); err != nil || info.IsDir() {
			continue // it is gone already, and something that came may need its place
		}
		if err := root.Remove(a.Path); err != nil {
			return err
		}
	}

	for _, a := range j.Actions {
		if a.New == "" {
			continue
		}
		if _, err := root.Lstat(a.New); errors.Is(err, fs.ErrNotExist) {
			continue // it is in place
		}
		if err := place(root, a.New, a.Path, a.Owned); err != nil {
			return err
		}
	}

	return nil
}

// undo puts back what was there.
func (j *journal) undo(root *os.Root) error {
	for _, a := range j.Actions {
		if a.New == "" || a.Old != "" {
			continue
		}
		if _, err := root.Lstat(a.New); err == nil {
			continue // it never came into place
		}
		if err := root.Remove(a.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}

	for _, a := range j.Actions {
		if a.Old == "" {
			continue
		}
		if _, err := root.Lstat(a.Old); err != nil {
			continue
		}
		if err := place(root, a.Old, a.Path, false); err != nil {
			return err
		}
	}

	return j.end(root)
}

// end makes the renames durable and forgets the journal.
func (j *journal) end(root *os.Root) error {
	dirs := map[string]bool{".": true}
	for _, a := range j.Actions {
		dirs[parent(a.Path)] = true
	}
	for dir := range dirs {
		err := syncDirs(root, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return err
		}
	}
	if err := root.Remove(journalName); err != nil {
		return err
	}
	return errors.Join(syncDirs(root, stageDir), clean(root))
}

// place renames a file to its path. Directories are made on the way; an empty one in
// its place is removed.
func place(root *os.Root, from, to string, owned bool) error {
	dir := parent(to)
	if owned {
		if err := makeDirsLike(root, from, dir); err != nil {
			return err
		}
	} else if dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if info, err := root.Lstat(to); err == nil && info.IsDir() {
		if err := removeEmpty(root, to); err != nil {
			return err
		}
	}
	return root.Rename(from, to)
}

// newDir is a directory that is not in its place yet.
const newDir = stageDir + "/new-dir"

// makeDirsLike makes the directories that are missing on the way to a file and gives
// them to whom the file belongs, or a service could write to its files and add none.
// Each gets its owner before it comes into place: others may own the directory around
// it, and could put something else there in between.
func makeDirsLike(root *os.Root, file, dir string) error {
	if info, err := root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := makeDirsLike(root, file, parent(dir)); err != nil {
		return err
	}
	info, err := root.Lstat(file)
	if err != nil {
		return err
	}

	if err := root.RemoveAll(newDir); err != nil {
		return err
	}
	if err := root.Mkdir(newDir, 0o755); err != nil {
		return err
	}
	if to, ok := ownerOf(info); ok {
		if err := root.Lchown(newDir, int(to.uid), int(to.gid)); err != nil {
			return err
		}
	}
	return root.Rename(newDir, dir)
}

// removeEmpty removes a directory that holds no file.
func removeEmpty(root *os.Root, dir string) error {
	entries, err := readDir(root, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			return errInTheWay
		}
		if err := removeEmpty(root, dir+"/"+e.Name()); err != nil {
			return err
		}
	}
	return root.Remove(dir)
}

// finish finishes the commit that a crash interrupted, or removes what an import left
// that never came so far.
func finish(root *os.Root) error {
	f, err := root.Open(journalName)
	if errors.Is(err, fs.ErrNotExist) {
		return clean(root)
	}
	if err != nil {
		return err
	}
	var j journal
	err = errors.Join(json.NewDecoder(f).Decode(&j), f.Close())
	if err != nil {
		return fmt.Errorf("reading the journal: %w", err)
	}
	for _, a := range j.Actions {
		if !fs.ValidPath(a.Path) || strings.HasPrefix(a.Path, stageDir+"/") {
			return errors.New("the journal names a path that no import would")
		}
	}
	return j.redo(root)
}

func syncDirs(root *os.Root, dirs ...string) error {
	for _, dir := range dirs {
		f, err := openDir(root, dir)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
