"""The daemon as a process: sockets, locks, signals, logs."""
