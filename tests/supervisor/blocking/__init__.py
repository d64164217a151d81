"""Tests of the supervisor for programs without an event loop."""
