"""Tests of pycontainerd.images."""
