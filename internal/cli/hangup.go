package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// systemHangups are the signals HUP that this process gets. Until stop is called they do not end it.
func systemHangups() (<-chan os.Signal, func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}
