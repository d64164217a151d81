"""Tests of pycontainerd.events."""
