"""What is typed: flags, values, and the requests they become."""
