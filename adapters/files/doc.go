// Package files makes an application out of chosen files of a directory: a
// [contract.App] whose rows are the files that configured patterns name.
//
// [ParseConfig] reads the patterns, [Open] makes the adapter, and it is handed to
// contract.NewServer; cmd/appbur-files does exactly this. example.yaml shows a
// configuration.
//
// # Rows
//
// A row is a part of a file of at most 1 MiB: path, part, mode, size, and its content
// as text when that is UTF-8 without control characters, as base64 otherwise. A
// symbolic link that is kept has its target instead. Times and owners are in the rows
// only on request. Directories are no state: they come and go with files. Of
// several names of one file each becomes a file.
//
// # Export
//
// Everything chosen is copied first and looked at again after: when any file came,
// went or changed meanwhile, the copy starts over, and after a few rounds the export
// fails with NOT_QUIESCED. So the payload shows one moment, as far as the change
// times of the file system tell moments apart (some milliseconds).
//
// # Import
//
// Files wait beside the others, in .appbur below the root. The commit writes a journal,
// then renames file by file, and removes what the patterns name and the payload lacks.
// A failure on the way puts back what was there. After a crash the next [Open] finishes
// what the journal says, so it ends in the state before or the one after. Programs that
// read the directory meanwhile may see some files of each; stop them.
//
// With owners: numeric or names, each file and link gets the owner and the group of its
// row while it still waits, after its mode and time, so that the right to give files
// away (CHOWN) is missing before anything is replaced, if it is. Names are those of the
// system that the adapter runs on. A directory that is made for a file gets its owner.
// Rows without owners, and configurations without owners: what is replaced keeps its
// owner, anything else belongs to the user of the adapter.
//
// Files that no pattern of the dataset names are never
// touched, and a payload that names one is refused, as is any path that leads out of the
// root or through a symbolic link.
//
// # What it refuses
//
// Devices, sockets and pipes that a pattern names, set-user-id and set-group-id files
// (with owners as well: whoever could write a payload could make a program of root's),
// names that are not UTF-8, and, unless the configuration keeps or skips them,
// symbolic links. A second adapter on the same root.
package files
