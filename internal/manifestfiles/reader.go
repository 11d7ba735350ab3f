package manifestfiles

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
)

// Object is an object as it is written somewhere.
type Object struct {
	// ID may lack a namespace, which the text leaves to the command that applies it, and its name ends with * if the server
	// is to make one.
	ID      appbur.ObjectID
	Content map[string]any
	// File has slashes, and Line counts from 1. Line is 0 where only the file is known.
	File string
	Line int
}

// Found is what was seen besides objects.
type Found struct {
	Objects, Files int
	// Others counts documents that are no objects of Kubernetes.
	Others int
	// Charts are the directories and files with templates that nobody rendered.
	Charts []Chart
}

// Chart is what has to be rendered before it can be read.
type Chart struct {
	// Name is that of the chart, or empty for a template without one.
	Name string
	// Path is the directory of the chart, or the file of the template.
	Path string
	Line int
}

// Reader reads objects.
type Reader struct {
	// Take gets each object. It is called from several goroutines.
	Take func(Object)

	mu     sync.Mutex
	found  Found
	faults Errors
	// lines remembers where the files that a kustomization is made of have their objects.
	lines map[string][]place
}

// Path reads a file or a directory.
func (r *Reader) Path(ctx context.Context, path string) (Found, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Found{}, fmt.Errorf("reading manifests: %w", err)
	}
	if info.IsDir() {
		err = r.directory(ctx, path)
	} else {
		err = r.file(ctx, path)
	}
	return r.result(err)
}

// Stream reads a stream that has a name.
func (r *Reader) Stream(ctx context.Context, name string, in io.Reader) (Found, error) {
	return r.result(r.stream(ctx, name, in))
}

func (r *Reader) result(err error) (Found, error) {
	if err != nil {
		return Found{}, err
	}
	if len(r.faults) > 0 {
		slices.SortFunc(r.faults, (*Error).compare)
		return Found{}, r.faults
	}
	slices.SortFunc(r.found.Charts, Chart.compare)
	return r.found, nil
}

func (r *Reader) file(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading manifests: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return r.stream(ctx, filepath.ToSlash(path), f)
}

// stream cuts a stream into documents, which several goroutines read.
func (r *Reader) stream(ctx context.Context, name string, in io.Reader) error {
	r.count(func(f *Found) { f.Files++ })
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 1)
	documents := make(chan document, 4*runtime.GOMAXPROCS(0))
	group.Go(func() error {
		defer close(documents)
		return split(in, func(d document) error {
			select {
			case documents <- d:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})

	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for d := range documents {
				r.document(name, d)
			}
			return nil
		})
	}
	err := group.Wait()
	if err != nil && ctx.Err() == nil || errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return err
}

func (r *Reader) count(change func(*Found)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.found)
}

func (r *Reader) fault(e *Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, e)
}
