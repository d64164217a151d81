"""Tests of the four packages, one folder a layer."""
