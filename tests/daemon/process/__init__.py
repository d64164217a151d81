"""Tests of the daemon as a process: its doors, signals, logs and metrics."""
