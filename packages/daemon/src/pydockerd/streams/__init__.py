"""Standard streams on the wire: frames, detach keys, and a client joined to a process."""
