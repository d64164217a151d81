"""Prometheus metrics, by dockerd's names, for daemons that are started with ``--metrics-addr``."""
