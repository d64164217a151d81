"""Tests of pycontainerd.tasks."""
