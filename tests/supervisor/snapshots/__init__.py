"""Tests of pycontainerd.snapshots."""
