"""How a daemon is set up: dockerd's flags and ``daemon.json``, as one typed value (:mod:`pydockerd.config.settings`)."""
