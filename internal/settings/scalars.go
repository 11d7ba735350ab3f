package settings

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// durationPattern is what a length of time looks like, and longestDuration is longer than each.
var durationPattern = regexp.MustCompile(
	`^([0-9]{1,4}(\.[0-9]{1,9})?h)?([0-9]{1,6}(\.[0-9]{1,9})?m)?([0-9]{1,8}(\.[0-9]{1,9})?s)?([0-9]{1,9}(\.[0-9]{1,6})?ms)?$`)

const longestDuration = 10_000 * time.Hour

// shortestDuration is the length of the shortest text of a length of time.
const shortestDuration = 2

// Duration takes a length of time.
func Duration() Type[time.Duration] {
	const wants = "a length of time such as 90s or 15m"
	return scalar[time.Duration]{
		name: "duration", wants: wants, tags: []string{"!!str"},
		parse: func(text string) (time.Duration, error) {
			d, err := time.ParseDuration(text)
			if err != nil || len(text) < shortestDuration || d >= longestDuration || !durationPattern.MatchString(text) {
				return 0, fmt.Errorf("`%s` stands where %s is wanted", shortened(text), wants)
			}
			return d, nil
		},
		print: durationText,
		shape: Schema{Type: "string", Pattern: durationPattern.String(), MinLength: shortestDuration},
	}
}

// durationText writes 2m0s as 2m.
func durationText(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

// octal is a number that some readers of YAML take for another one.
var octal = regexp.MustCompile(`^[-+]?0[0-9]`)

// Whole takes a whole number from least to most.
func Whole(least, most int) Type[int] {
	wants := fmt.Sprintf("a whole number from %d to %d", least, most)
	return scalar[int]{
		name: "number", wants: wants, tags: []string{"!!int", "!!float"},
		parse: func(text string) (int, error) {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || octal.MatchString(text) || n != math.Trunc(n) || n < float64(least) || n > float64(most) {
				return 0, fmt.Errorf("`%s` stands where %s is wanted", shortened(text), wants)
			}
			return int(n), nil
		},
		print: strconv.Itoa,
		shape: Schema{Type: "integer", Minimum: &least, Maximum: &most},
	}
}

// Switch takes true or false.
func Switch() Type[bool] {
	return scalar[bool]{
		name: "true or false", wants: "true or false", tags: []string{"!!bool"},
		parse: func(text string) (bool, error) {
			switch text {
			case "true", "True", "TRUE":
				return true, nil
			case "false", "False", "FALSE":
				return false, nil
			}
			return false, fmt.Errorf("`%s` stands where true or false is wanted", shortened(text))
		},
		print: strconv.FormatBool,
		shape: Schema{Type: "boolean"},
	}
}

// Choice takes one of a few words.
func Choice[T ~string](words ...T) Type[T] {
	list := make([]string, 0, len(words))
	shape := Schema{Type: "string"}
	for _, w := range words {
		list = append(list, string(w))
		shape.Enum = append(shape.Enum, string(w))
	}
	wants := strings.Join(list, " or ")

	return scalar[T]{
		name: "word", wants: wants, tags: []string{"!!str"},
		parse: func(text string) (T, error) {
			for _, w := range words {
				if text == string(w) {
					return w, nil
				}
			}
			return "", fmt.Errorf("`%s` stands where %s is wanted", shortened(text), wants)
		},
		print: func(value T) string { return string(value) },
		shape: shape, list: list,
	}
}

// longestText is how many characters a text has at most. A path may be as long on Linux.
const longestText = 4096

// printable is what texts consist of: a line break in a path or a name is a mistake.
var printable = regexp.MustCompile(`^[^\x00-\x1f\x7f]+$`)

// Text takes a text of one line. name is the word for it, such as path or name; wants says what it takes and shows how
// that looks.
func Text(name, wants string) Type[string] { return text(name, wants, nil, "") }

// LocalPath takes a path of a file or a directory, and no address of a remote repository.
func LocalPath(wants string) Type[string] {
	return text("path", wants, regexp.MustCompile(`://|^git@`), "an address of a remote stands where "+wants+" is wanted")
}

func text(name, wants string, refused *regexp.Regexp, why string) Type[string] {
	shape := Schema{Type: "string", MinLength: 1, MaxLength: longestText, Pattern: printable.String()}
	if refused != nil {
		shape.Not = &Schema{Pattern: refused.String()}
	}
	return scalar[string]{
		// A date without quotes is a text to everybody but YAML 1.1.
		name: name, wants: wants, tags: []string{"!!str", "!!timestamp"},
		parse: func(text string) (string, error) {
			switch {
			case text == "":
				return "", fmt.Errorf("an empty text stands where %s is wanted", wants)
			case utf8.RuneCountInString(text) > longestText:
				return "", fmt.Errorf("a text of more than %d characters stands where %s is wanted", longestText, wants)
			case !printable.MatchString(text):
				return "", errors.New("a line break or another control character is in the text")
			case refused != nil && refused.MatchString(text):
				return "", errors.New(why)
			}
			return text, nil
		},
		print: func(value string) string { return value },
		shape: shape,
	}
}
