package history

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/linediff"
	"github.com/appbur/appbur/pkg/seal"
)

const (
	encrypted = "<encrypted>"
	resealed  = "<encrypted anew>"
)

// ciphertext is one encrypted value as SOPS writes it.
var ciphertext = regexp.MustCompile(`ENC\[AES256_GCM,[^\]\n]*\]`)

// isCiphertext reports whether a value of a sealed file is encrypted, how many bytes
// it has in clear, and of what type it is.
func isCiphertext(value any) (length int, kind string, ok bool) {
	text, isText := value.(string)
	if !isText || ciphertext.FindString(text) != text || text == "" {
		return 0, "", false
	}
	for field := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(text, "ENC[AES256_GCM,"), "]"), ",") {
		name, value, _ := strings.Cut(field, ":")
		switch name {
		case "data":
			data, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return 0, "", true
			}
			length = len(data)
		case "type":
			kind = value
		}
	}
	return length, kind, true
}

// Readable returns the lines of a manifest that may be shown: those of a sealed file
// without ciphertext and without the block of SOPS, one line for a sealed file of any
// other form. Line i of the answer is line numbers[i] of the file, counted from 1.
func Readable(data []byte) (lines [][]byte, numbers []int, sealed bool) {
	all := linediff.Lines(data)
	sealed = seal.IsSealed(data)
	inBlock, hasBlock := false, false

	for i, line := range all {
		if sealed {
			if line[0] != ' ' && line[0] != '\n' {
				inBlock = bytes.HasPrefix(line, []byte(appbur.SealedKey+":"))
				hasBlock = hasBlock || inBlock
			}
			if inBlock {
				continue
			}
			line = ciphertext.ReplaceAll(line, []byte(encrypted))
		}
		lines, numbers = append(lines, line), append(numbers, i+1)
	}

	if sealed && !hasBlock {
		return [][]byte{[]byte(encrypted + "\n")}, []int{1}, true
	}
	return lines, numbers, sealed
}

// readableAfter is Readable for the new side of a difference: what was encrypted again
// says so.
func readableAfter(before, after []byte) [][]byte {
	lines, numbers, sealed := Readable(after)
	if !sealed || len(before) == 0 {
		return lines
	}
	if len(lines) == 1 && !bytes.Equal(before, after) {
		return [][]byte{[]byte(resealed + "\n")}
	}
	old := map[string]bool{}
	for _, line := range linediff.Lines(before) {
		old[string(line)] = true
	}
	raw := linediff.Lines(after)
	for i, n := range numbers {
		if !old[string(raw[n-1])] {
			lines[i] = bytes.ReplaceAll(lines[i], []byte(encrypted), []byte(resealed))
		}
	}
	return lines
}
