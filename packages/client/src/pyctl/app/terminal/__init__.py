"""The two ends of an attached container: terminal, signals, streams."""
