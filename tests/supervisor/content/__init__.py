"""Tests of pycontainerd.content."""
