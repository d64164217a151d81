"""Tests of pycontainerd.gc."""
