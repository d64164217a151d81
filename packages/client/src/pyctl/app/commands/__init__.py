"""One command a module; a module holds what the command does, `pyctl.app.registry` says how it is called."""
