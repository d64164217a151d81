"""Tests of pydockerd.access."""
