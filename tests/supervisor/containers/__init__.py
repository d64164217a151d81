"""Tests of pycontainerd.containers."""
