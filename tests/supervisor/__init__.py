"""Tests of pycontainerd."""
