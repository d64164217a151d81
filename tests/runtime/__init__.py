"""Tests of pyrunc."""
