"""Tests of pycontainerd.diff."""
