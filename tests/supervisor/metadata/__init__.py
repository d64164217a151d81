"""Tests of pycontainerd.metadata."""
