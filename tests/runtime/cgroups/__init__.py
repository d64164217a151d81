"""Control groups by version, on the kernel where it has them, and in directories that look like them where it has not."""
