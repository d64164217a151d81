"""Tests of pycontainerd.leases."""
