package manifestfiles

import (
	"bytes"
	"encoding/json"
)

// firstLine is the line at which the content of a document begins.
func (d document) firstLine() int {
	if d.line == 0 {
		return 0
	}
	line := d.line
	for text := range bytes.Lines(d.text) {
		if text = bytes.TrimSpace(text); len(text) > 0 && text[0] != '#' {
			break
		}
		line++
	}
	return line
}

// itemLines are the lines at which the items of a list begin. Where they cannot be told apart, each has that of the list.
func (d document) itemLines(count int) []int {
	lines := d.yamlItems()
	if bytes.HasPrefix(bytes.TrimLeft(d.text, " \t\r\n"), []byte("{")) {
		lines = d.jsonItems()
	}
	if d.line == 0 || len(lines) != count {
		lines = make([]int, count)
		for i := range lines {
			lines[i] = d.firstLine()
		}
	}
	return lines
}

// yamlItems finds the dashes of the list below items. Everything in an item is indented further.
func (d document) yamlItems() (lines []int) {
	number, within, dash := d.line-1, false, []byte(nil)
	for text := range bytes.Lines(d.text) {
		number++
		if !within {
			within = bytes.HasPrefix(text, []byte("items:"))
			continue
		}
		if trimmed := bytes.TrimLeft(text, " "); dash == nil && bytes.HasPrefix(trimmed, []byte("- ")) {
			dash = text[:len(text)-len(trimmed)+2]
		}
		if dash != nil && bytes.HasPrefix(text, dash) {
			lines = append(lines, number)
		}
		if len(text) > 0 && text[0] != ' ' && text[0] != '-' && text[0] != '#' && text[0] != '\n' && text[0] != '\r' {
			break // the next key of the list
		}
	}
	return lines
}

func (d document) jsonItems() (lines []int) {
	decoder := json.NewDecoder(bytes.NewReader(d.text))
	if _, err := decoder.Token(); err != nil { // {
		return nil
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil
		}
		if key != "items" {
			var skipped json.RawMessage
			if err := decoder.Decode(&skipped); err != nil {
				return nil
			}
			continue
		}
		return d.elements(decoder)
	}
	return nil
}

func (d document) elements(decoder *json.Decoder) (lines []int) {
	if _, err := decoder.Token(); err != nil { // [
		return nil
	}
	seen, line := int64(0), d.line
	for decoder.More() {
		var item json.RawMessage
		if err := decoder.Decode(&item); err != nil {
			return nil
		}
		begin := decoder.InputOffset() - int64(len(item))
		line += bytes.Count(d.text[seen:begin], []byte("\n"))
		seen = begin
		lines = append(lines, line)
	}
	return lines
}
