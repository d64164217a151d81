"""Side by side with the installed peers; never part of the test suite."""
