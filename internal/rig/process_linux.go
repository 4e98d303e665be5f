package rig

import "syscall"

// dieWithUs puts a child in a group of its own, so that Ctrl-C reaches the test
// and not its brokers, and has the kernel kill it when we die.
func dieWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
