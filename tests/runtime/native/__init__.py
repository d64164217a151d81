"""The C core: how it is built, what it refuses, what it does to a plan."""
