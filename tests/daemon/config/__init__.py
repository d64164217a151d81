"""Tests of pydockerd.config."""
