"""Tests of pydockerd."""
