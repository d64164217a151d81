"""Tests of pycontainerd.oci."""
