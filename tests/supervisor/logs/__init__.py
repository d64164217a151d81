"""Tests of pycontainerd.logs."""
