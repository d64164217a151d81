"""Tests of pycontainerd.namespaces."""
