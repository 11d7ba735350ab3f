package manifestfiles

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// document is a part of a stream that is read by itself.
type document struct {
	text []byte
	// line is that of its first line in the stream.
	line int
	// source is what Helm writes in a comment before each document: the template that it is made of.
	source string
}

var (
	byteOrderMark = []byte("\ufeff")
	separator     = []byte("---")
	helmSource    = []byte("# Source: ")
)

// split cuts a stream at its separators, which are at the beginning of a line and nowhere else in YAML, also in the middle of
// a text.
func split(in io.Reader, emit func(document) error) error {
	reader := bufio.NewReaderSize(in, 1<<16)
	next := document{line: 1}
	for number := 1; ; number++ {
		line, err := readLine(reader)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, byteOrderMark)
		}

		if isSeparator(line) {
			if err := emitUnlessBlank(next, emit); err != nil {
				return err
			}
			next = document{line: number}
			line = line[len(separator):] // what is beside it belongs to the document
		}
		if bytes.HasPrefix(line, helmSource) && next.source == "" {
			next.source = string(bytes.TrimSpace(line[len(helmSource):]))
		}
		next.text = append(next.text, line...)
		if errors.Is(err, io.EOF) {
			return emitUnlessBlank(next, emit)
		}
	}
}

// readLine reads a line of any length with its end.
func readLine(reader *bufio.Reader) ([]byte, error) {
	line, err := reader.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = reader.ReadSlice('\n')
		long = append(long, line...)
	}
	return long, err
}

func isSeparator(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, separator)
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\n')
}

func emitUnlessBlank(d document, emit func(document) error) error {
	for line := range bytes.Lines(d.text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return emit(d)
		}
	}
	return nil
}
