"""The command: parses the command line, calls `pyctl.Client`, prints. Nothing is imported that a command does not use."""
