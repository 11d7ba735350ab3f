//go:build integration

package podexec

// The other shells that images come with are installed by hack/packages.sh.
func init() {
	shells["bash"] = []string{"bash", "--posix"}
	shells["busybox"] = []string{"busybox", "sh"}
}
