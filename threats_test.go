package appbur_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// A line of docs/threats.md that says "defended" names the tests that hold it. They
// must exist: a defence whose test was renamed or deleted is a promise without proof.
func TestEveryDefenceNamesATestThatExists(t *testing.T) {
	page, err := os.ReadFile("docs/threats.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)

	rows := 0
	for number, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 3 || cells[0] == "what they can try" {
			continue
		}
		rows++

		named := regexp.MustCompile(`\b(?:Test|Fuzz)\w+`).FindAllString(cells[2], -1)
		if len(named) == 0 && !strings.HasPrefix(cells[1], "**Not defended.**") {
			t.Errorf("docs/threats.md:%d: no test holds %q, and it does not say that it is not defended", number+1, cells[0])
		}
		for _, name := range named {
			if !tests[name] {
				t.Errorf("docs/threats.md:%d: there is no test %s", number+1, name)
			}
		}
	}

	if rows == 0 {
		t.Error("docs/threats.md holds no row: the check did not run")
	}
}

// testNames returns the tests and fuzz targets of all files that git tracks.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.Command("git", "grep", "-hoE", `^func (Test|Fuzz)[A-Za-z0-9_]+`, "--", "*_test.go").Output()
	if err != nil {
		t.Fatalf("git grep: %v", err)
	}

	names := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		names[strings.TrimPrefix(strings.TrimSpace(line), "func ")] = true
	}
	return names
}
