package manifest

import (
	"bytes"
	"strings"
)

// Nearly all manifests are written in a small part of YAML: block maps and lists, scalars in one line, literal texts. That
// part is read here, some ten times faster than a library reads all of YAML. Whatever looks like more than that part is
// left to the library, errors included, so nothing is read in another way than before: FuzzPlainYAML compares the two.

// plainDepth bounds how deep maps and lists are nested.
const plainDepth = 64

// plainYAML reads a document, if it is of that part.
func plainYAML(data []byte) (map[string]any, bool) {
	p := plainReader{rest: data}
	for _, c := range data {
		if c >= 0x7f || c < ' ' && c != '\n' {
			return nil, false
		}
	}
	if !bytes.HasSuffix(data, []byte("\n")) || bytes.Contains(data, []byte("\n---")) || bytes.Contains(data, []byte("\n...")) {
		return nil, false
	}

	line, ok := p.peek()
	if !ok || isItem(line.text) {
		return nil, false
	}
	object, good := p.block(line.indent, 0).(map[string]any)
	if _, more := p.peek(); more || p.other {
		return nil, false
	}
	return object, good
}

// plainReader reads a document line by line.
type plainReader struct {
	rest []byte
	// next is the line that was looked at, if held.
	next plainLine
	held bool
	// other is true once something was met that is not of this part of YAML.
	other bool
}

// plainLine is a line that is neither blank nor a comment.
type plainLine struct {
	indent int
	text   []byte
}

func (p *plainReader) giveUp() any {
	p.other, p.rest, p.held = true, nil, false
	return nil
}

// cut takes the next line, whatever it is.
func (p *plainReader) cut() []byte {
	line, rest, _ := bytes.Cut(p.rest, []byte("\n"))
	p.rest = rest
	return line
}

// peek looks at the next line that says something.
func (p *plainReader) peek() (plainLine, bool) {
	for !p.held {
		if len(p.rest) == 0 {
			return plainLine{}, false
		}
		line := p.cut()
		text := bytes.TrimLeft(line, " ")
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		p.next, p.held = plainLine{len(line) - len(text), bytes.TrimRight(text, " ")}, true
	}
	return p.next, true
}

func (p *plainReader) take() { p.held = false }

func isItem(text []byte) bool { return text[0] == '-' && (len(text) == 1 || text[1] == ' ') }

// block reads a map or a list at an indentation.
func (p *plainReader) block(indent, depth int) any {
	line, ok := p.peek()
	switch {
	case !ok || line.indent != indent || depth > plainDepth:
		return p.giveUp()
	case isItem(line.text):
		return p.list(indent, depth)
	default:
		return p.mapping(indent, depth)
	}
}

func (p *plainReader) mapping(indent, depth int) any {
	object := make(map[string]any, 4)
	for {
		line, ok := p.peek()
		if !ok || line.indent < indent {
			return object
		}
		key, value, ok := plainKey(line.text)
		if !ok || line.indent > indent {
			return p.giveUp()
		}
		if _, twice := object[string(key)]; twice {
			return p.giveUp()
		}
		p.take()
		if len(value) > 0 {
			object[string(key)] = p.scalar(value, indent)
		} else {
			object[string(key)] = p.below(indent, depth, true)
		}
		if p.other {
			return nil
		}
	}
}

// below reads what is below a key or a dash. The items of a key may be as far indented as the key.
func (p *plainReader) below(indent, depth int, ofKey bool) any {
	line, ok := p.peek()
	switch {
	case ok && line.indent > indent:
		return p.block(line.indent, depth+1)
	case ok && ofKey && line.indent == indent && isItem(line.text):
		return p.list(indent, depth+1)
	default:
		return nil
	}
}

func (p *plainReader) list(indent, depth int) any {
	items := []any{}
	for {
		line, ok := p.peek()
		if !ok || line.indent < indent || line.indent == indent && !isItem(line.text) {
			return items
		}
		if line.indent > indent {
			return p.giveUp()
		}

		inner := bytes.TrimLeft(line.text[1:], " ")
		switch _, _, isKey := plainKey(inner); {
		case len(inner) == 0:
			p.take()
			items = append(items, p.below(indent, depth, false))
		case isItem(inner) || inner[0] == '#':
			return p.giveUp()
		case isKey:
			p.next = plainLine{indent + len(line.text) - len(inner), inner}
			items = append(items, p.mapping(p.next.indent, depth+1))
		default:
			p.take()
			items = append(items, p.scalar(inner, indent))
		}
		if p.other || depth > plainDepth {
			return p.giveUp()
		}
	}
}

// plainKey divides a line into a key and what is beside it. Keys that could be anything but texts are not of this part.
func plainKey(text []byte) (key, value []byte, ok bool) {
	for i, c := range text {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.' || c == '/'):
		case i > 0 && c == ':' && (i+1 == len(text) || text[i+1] == ' '):
			if isWord(text[:i]) {
				return nil, nil, false
			}
			value = bytes.TrimLeft(text[i+1:], " ")
			if len(value) > 0 && value[0] == '#' {
				value = nil
			}
			return text[:i], value, true
		default:
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// scalar reads what is beside a key or a dash. What goes on in the next line is not of this part.
func (p *plainReader) scalar(text []byte, indent int) any {
	var value any
	ok := false
	switch text[0] {
	case '|':
		return p.literal(text, indent)
	case '"', '\'':
		var rest []byte
		if value, rest, ok = quoted(text); ok {
			ok = ends(rest)
		}
	case '[', '{':
		var rest []byte
		if value, rest, ok = flow(text, 0); ok {
			ok = ends(rest)
		}
	case '>', '&', '*', '!', '%', '@', '`', '#', ',', ']', '}', '?', ':', '=', '<':
	default:
		value, ok = plainScalar(text)
	}

	if next, more := p.peek(); !ok || more && next.indent > indent {
		return p.giveUp()
	}
	return value
}

// ends reports whether nothing but a comment follows.
func ends(rest []byte) bool {
	trimmed := bytes.TrimLeft(rest, " ")
	return len(trimmed) == 0 || trimmed[0] == '#' && len(trimmed) < len(rest)
}

// quoted reads a quoted text without escapes.
func quoted(text []byte) (value string, rest []byte, ok bool) {
	end := bytes.IndexByte(text[1:], text[0])
	if end < 0 {
		return "", nil, false
	}
	inner, rest := text[1:1+end], text[end+2:]
	if text[0] == '"' && bytes.IndexByte(inner, '\\') >= 0 || len(rest) > 0 && rest[0] == text[0] {
		return "", nil, false
	}
	return string(inner), rest, true
}

// literal reads the text below a bar.
func (p *plainReader) literal(header []byte, indent int) any {
	strip := string(header) == "|-"
	if !strip && string(header) != "|" {
		return p.giveUp()
	}
	depth, blank := 0, 0
	var text strings.Builder
	for len(p.rest) > 0 {
		before := p.rest
		line := p.cut()
		inner := bytes.TrimLeft(line, " ")
		spaces := len(line) - len(inner)
		switch {
		case len(inner) == 0 && (depth == 0 || spaces <= depth):
			if depth == 0 && spaces > 0 {
				return p.giveUp()
			}
			blank++
			continue
		case depth == 0 && spaces <= indent, len(inner) > 0 && spaces < depth:
			p.rest = before
			return literalText(text.String(), strip)
		case depth == 0:
			depth = spaces
		}
		for range blank {
			text.WriteByte('\n')
		}
		blank = 0
		text.Write(line[depth:])
		text.WriteByte('\n')
	}
	return literalText(text.String(), strip)
}

func literalText(text string, strip bool) any {
	if strip {
		return strings.TrimSuffix(text, "\n")
	}
	return text
}
