"""The user's terminal: raw mode, size, the keys that detach, and the signals that belong to the container."""
