"""Tests of pyrunc.spec."""
