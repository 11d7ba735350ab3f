package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// shardHead says which objects a shard is about. The path alone does not: kinds
// are in lower case there.
type shardHead struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
}

func (h shardHead) path() string { return appbur.IndexPath(h.groupKind(), h.Namespace) }

// rivalPath is for a kind whose name differs from that of another only in case.
func (h shardHead) rivalPath() string { return appbur.RivalIndexPath(h.groupKind(), h.Namespace) }

func (h shardHead) groupKind() appbur.GroupKind {
	return appbur.GroupKind{Group: h.Group, Kind: h.Kind}
}

// EncodeIndex writes entries as the files of the index: one JSON file per kind and
// namespace, sorted by path, one line per object. Equal entries give equal files. Of
// kinds whose names differ only in case the first, in the order of bytes, has the
// usual path.
func EncodeIndex(entries map[appbur.ObjectID]Entry) ([]appbur.File, error) {
	shards := make(map[shardHead][]appbur.ObjectID)
	for id := range entries {
		head := shardHead{Group: id.Group, Kind: id.Kind, Namespace: id.Namespace}
		shards[head] = append(shards[head], id)
	}

	heads := slices.SortedFunc(maps.Keys(shards), func(a, b shardHead) int {
		return cmp.Or(strings.Compare(a.path(), b.path()), strings.Compare(a.Kind, b.Kind))
	})

	files := make([]appbur.File, 0, len(heads))
	for i, head := range heads {
		path := head.path()
		if i > 0 && heads[i-1].path() == path {
			path = head.rivalPath()
		}
		data, err := encodeShard(head, shards[head], entries)
		if err != nil {
			return nil, err
		}
		files = append(files, appbur.File{Path: path, Data: data})
	}

	slices.SortFunc(files, func(a, b appbur.File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

func encodeShard(head shardHead, ids []appbur.ObjectID, entries map[appbur.ObjectID]Entry) ([]byte, error) {
	slices.SortFunc(ids, appbur.ObjectID.Compare)
	first, err := compactJSON(head)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Write(first[:len(first)-1])
	b.WriteString(",\"entries\":{\n")

	for i, id := range ids {
		name, err := compactJSON(id.Name)
		if err != nil {
			return nil, err
		}
		entry, err := compactJSON(entries[id])
		if err != nil {
			return nil, fmt.Errorf("index entry of %s: %w", id, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(entry)
		if i < len(ids)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}

	b.WriteString("}}\n")
	return b.Bytes(), nil
}

// DecodeIndex reads the files that [EncodeIndex] wrote. Files that lie elsewhere
// than their content says are refused, so that a moved file cannot pass unseen.
func DecodeIndex(files []appbur.File) (map[appbur.ObjectID]Entry, error) {
	entries := make(map[appbur.ObjectID]Entry)
	for _, file := range files {
		var shard struct {
			shardHead
			Entries map[string]Entry `json:"entries"`
		}
		if err := json.Unmarshal(file.Data, &shard); err != nil {
			return nil, fmt.Errorf("reading index %s: %w", file.Path, err)
		}
		if shard.Kind == "" {
			return nil, fmt.Errorf("reading index %s: %w", file.Path, errors.New("it names no kind"))
		}
		if want := shard.path(); want != file.Path && shard.rivalPath() != file.Path {
			return nil, fmt.Errorf("reading index %s: its content belongs at %s", file.Path, want)
		}
		for name, entry := range shard.Entries {
			if name == "" {
				return nil, fmt.Errorf("reading index %s: an entry has no name", file.Path)
			}
			id := appbur.ObjectID{Group: shard.Group, Kind: shard.Kind, Namespace: shard.Namespace, Name: name}
			entries[id] = entry
		}
	}

	return entries, nil
}
