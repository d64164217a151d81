"""Volumes: options, translation, store, kernel, copy-up, the API, and daemons that are killed."""
