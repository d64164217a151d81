"""What tests of every layer share: leftover checks, images, daemons, terminals."""
