"""The virtual machine: other kinds of host than the one that the tests run on. See docs/vm.md."""
