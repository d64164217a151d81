"""The command pyrunc, as a process, and beside it runc and crun."""
