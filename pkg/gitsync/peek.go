package gitsync

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// Peek reads one file of the newest commit of a remote's branch. Nothing older is received, and nothing stays here.
func Peek(ctx context.Context, remote Remote, branch, path string, o RemoteOptions) (data []byte, err error) {
	t, err := transport.Dial(ctx, remote, transport.UploadPack, o)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	tip, has := t.Refs[branch]
	if !has {
		return nil, transport.NewError(RemoteEmpty, "", fmt.Errorf("it has no %s", branch))
	}

	dir, err := os.MkdirTemp("", "appbur-peek-")
	if err != nil {
		return nil, fmt.Errorf("peek: %w", err)
	}
	defer removeAll(dir)
	if err := writeSkeleton(dir); err != nil {
		return nil, fmt.Errorf("peek: %w", err)
	}
	in, err := t.FetchNewest(tip)
	if err != nil {
		return nil, t.Failed(err)
	}
	received := pack.NewReceiver(filepath.Join(dir, "objects", "pack"), func(int64) {})
	received.Partial = true
	if err := received.Receive(in); err != nil {
		return nil, t.Failed(err)
	}

	if err := received.Finish(ctx, []Hash{tip}); err != nil {
		return nil, broken(err)
	}
	r, err := Open(dir)
	if err != nil {
		return nil, err
	}
	snapshot, err := r.Snapshot(tip)
	if err != nil {
		return nil, err
	}
	return snapshot.ReadDescription(path)
}
