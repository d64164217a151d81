"""What is printed: templates, tables, units, rows, the waterfall."""
