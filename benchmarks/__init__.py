"""Our programs beside the installed peers, in one run. Never part of the test suite: ``python3 noxfile.py -s bench``."""
