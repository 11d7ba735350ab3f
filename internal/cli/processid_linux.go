package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// ownProcess identifies this process among all that this machine has ever run: by the boot of the
// machine, the namespace that process ids belong to, the id, and when the process was started. It is
// "" where /proc does not say it.
func ownProcess() string { return processID(os.Getpid()) }

func processID(pid int) string {
	place := processPlace()
	started, err := processStart(pid)
	if place == "" || err != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %s", place, pid, started)
}

// processPlace is where process ids mean what they mean here.
func processPlace() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + namespace
}

// processStart reads when a process was started, in ticks since the boot (proc_pid_stat(5), field 22).
func processStart(pid int) (string, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name of the program may hold anything but this
	if at := strings.LastIndex(string(stat), ") "); at >= 0 {
		rest = string(stat)[at+2:]
	}
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return "", errors.New("unknown form of /proc/PID/stat")
	}
	if fields[0] == "Z" {
		return "", fs.ErrNotExist // it has ended, and its parent has not looked
	}
	return fields[19], nil
}

// processGone reports whether a process that [ownProcess] identified has certainly ended. One of
// another machine, or of another container, may be running.
func processGone(process string) bool {
	at := strings.LastIndex(process, " ")
	if at < 0 {
		return false
	}
	before, started := process[:at], process[at+1:]
	place, id, _ := cutLast(before)
	pid, err := strconv.Atoi(id)
	if err != nil || place == "" || place != processPlace() {
		return false
	}
	now, err := processStart(pid)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return now != started
}

// cutLast cuts a text at its last space.
func cutLast(text string) (before, after string, found bool) {
	at := strings.LastIndex(text, " ")
	if at < 0 {
		return "", text, false
	}
	return text[:at], text[at+1:], true
}
