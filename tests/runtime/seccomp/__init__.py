"""Tests of pyrunc.seccomp."""
