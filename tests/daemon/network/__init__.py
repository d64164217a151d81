"""Networks: the pure decisions by tables and properties, the rest on this machine's kernel, in namespaces and on bridges of the tests' own."""
