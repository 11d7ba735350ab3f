package exec

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
)

// stabilize copies a payload without the lines that say nothing about the state,
// and in an order that depends on the state alone. Sorting holds the payload in
// memory.
func stabilize(dst io.Writer, src io.Reader, strip []*regexp.Regexp, by order) error {
	out := bufio.NewWriter(dst)
	var parts [][]byte // what is sorted: lines, or documents
	var document []byte
	lines := bufio.NewReader(src)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		ended := err != nil
		if len(line) > 0 && !stripped(strip, bytes.TrimSuffix(line, []byte("\n"))) {
			if by != asPrinted && line[len(line)-1] != '\n' {
				line = append(line, '\n')
			}
			switch {
			case by == asPrinted:
				if _, err := out.Write(line); err != nil {
					return err
				}
			case by == sortLines:
				parts = append(parts, line)
			case bytes.Equal(bytes.TrimRight(line, " \t\r\n"), []byte("---")):
				parts, document = append(parts, document), nil
			default:
				document = append(document, line...)
			}
		}
		if ended {
			break
		}
	}

	separator := []byte{}
	if by == sortYAML {
		parts, separator = append(parts, document), []byte("---\n")
		parts = slices.DeleteFunc(parts, func(d []byte) bool { return len(bytes.TrimSpace(d)) == 0 })
	}
	slices.SortFunc(parts, bytes.Compare)
	if _, err := out.Write(bytes.Join(parts, separator)); err != nil {
		return err
	}
	return out.Flush()
}

func stripped(strip []*regexp.Regexp, line []byte) bool {
	return slices.ContainsFunc(strip, func(pattern *regexp.Regexp) bool { return pattern.Match(line) })
}
