"""Tests of pyctl."""
