"""pydockerd as tests start it: the daemon itself, which also writes down what it answers: ``recorded_daemon.py FILE ARGUMENTS…``."""

from __future__ import annotations

import json
import sys

from aiohttp import web

from pydockerd.app import application
from pydockerd.cli import main
from pydockerd.engine import Engine
from pydockerd.process import daemon
from tests.support.recording import Recorder

if __name__ == "__main__":
    with open(sys.argv[1], "a", encoding="utf-8") as answers:
        recorder = Recorder(lambda answer: print(json.dumps(answer), file=answers, flush=True))

        def recorded(engine: Engine) -> web.Application:
            """The daemon's application, recording."""
            return recorder.install(application(engine))

        vars(daemon)["application"] = recorded
        sys.argv[1:] = sys.argv[2:]
        sys.exit(main())
