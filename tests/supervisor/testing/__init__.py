"""Containers in test suites: conditions, sockets, the pytest plugin."""
