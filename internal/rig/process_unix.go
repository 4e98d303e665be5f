//go:build unix && !linux

package rig

import "syscall"

// dieWithUs leaves the child in our group: there is no death signal here, and a
// terminal's Ctrl-C should at least reach both.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// allStopped can't be asked here.
func allStopped(int) error { return nil }
