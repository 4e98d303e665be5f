package rig

// PID is the number of MirrorMaker 2's process, for whoever measures what it uses.
func (m *MM2) PID() int { return m.proc.cmd.Process.Pid }

// PIDs are the numbers of the brokers' processes.
func (c *Cluster) PIDs() []int {
	all := make([]int, len(c.nodes))
	for i, n := range c.nodes {
		all[i] = n.process().cmd.Process.Pid
	}
	return all
}
