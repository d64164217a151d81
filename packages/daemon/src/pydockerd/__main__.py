"""``python -m pydockerd``."""

import sys

from pydockerd.cli import main

sys.exit(main())
