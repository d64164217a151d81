"""The terminal: detach keys, signals, streams."""
