"""What is read of the machine: its kernel, memory, processors and processes."""
