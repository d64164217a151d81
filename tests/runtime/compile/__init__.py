"""Tests of pyrunc.compile."""
