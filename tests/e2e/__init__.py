"""Tests of the whole stack, from the command line to the kernel."""
