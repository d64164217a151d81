"""Faults on demand, as the container that they befall sees them."""
