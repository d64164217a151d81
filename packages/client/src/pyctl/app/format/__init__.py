"""What is printed: Go templates, tables, sizes and times as docker words them."""
