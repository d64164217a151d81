"""Everything that happens, in order, kept, and resumable by cursor."""
