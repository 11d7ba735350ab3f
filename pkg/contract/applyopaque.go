package contract

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// replaceOpaque hands the bytes of an opaque dataset to the application.
func (a *applying) replaceOpaque(ctx context.Context, tx Transaction, p *importPart) (*contractpb.DatasetResult, error) {
	d := p.definition
	sink, ok := tx.(OpaqueTransaction)
	if !ok {
		return nil, NewError(ReasonAppFailed, "dataset %s is opaque and the transaction has no ReplacePayload", d.Name)
	}
	payload := &wholeReader{ctx: ctx, reader: p.file, left: p.announced.size}

	err := sink.ReplacePayload(ctx, d.Name, p.announced.schema, payload)
	switch {
	case payload.failure != nil:
		return nil, appError(ReasonAppFailed, "importing dataset "+d.Name, false, payload.failure)
	case err != nil:
		return nil, appError(ReasonAppFailed, fmt.Sprintf("replacing dataset %s", d.Name), d.Sensitive(), err)
	case payload.left > 0:
		return nil, NewError(ReasonAppFailed, "the application left %d bytes of dataset %s unread", payload.left, d.Name)
	}

	return &contractpb.DatasetResult{
		Name: d.Name, SchemaFrom: p.announced.schema, SchemaTo: d.schema.String(),
		Bytes: uint64(p.announced.size), Sha256: p.announced.digest[:],
	}, nil
}

// wholeReader reads a payload of known length and remembers what went wrong.
type wholeReader struct {
	ctx     context.Context
	reader  io.Reader
	left    int64
	failure error
}

func (r *wholeReader) Read(b []byte) (int, error) {
	if r.failure != nil {
		return 0, r.failure
	}
	if err := context.Cause(r.ctx); err != nil {
		r.failure = err
		return 0, err
	}
	n, err := r.reader.Read(b)
	r.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		r.failure = err
	}
	if errors.Is(err, io.EOF) && r.left > 0 {
		err = io.ErrUnexpectedEOF
		r.failure = err
	}
	return n, err
}
