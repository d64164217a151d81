"""Names of containers: the rule for them, and a fresh one where the client gives none."""

from __future__ import annotations

import random
import re
from collections.abc import Container
from typing import Final

from pydockerd.errors import BadRequest

_VALID = re.compile(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]+")

# The qualities and the crafts of people who build things; chosen so that no pair is unkind.
_QUALITIES: Final = """
    able agile alert amber apt bold brave bright brisk calm candid careful cheerful civil clear clever cosy
    crisp curious daring deft eager early earnest easy exact fair fine firm fluent fond frank free fresh
    gentle glad golden graceful grand handy happy hardy honest humble jolly just keen kind lively loyal lucid
    lucky mellow merry mild modest neat nimble noble patient placid plain polite prompt proud pure quick quiet
    ready robust rosy sage serene sharp silver sincere smart snug sober solid spry steady still stout subtle
    sunny sure swift tender thrifty tidy tough tranquil true trusty upbeat vivid warm wise witty zesty
""".split()  # noqa: SIM905  (the formatter would give each word a line)
_CRAFTS: Final = """
    archer baker bard binder boatman brewer builder carder carver chandler clerk cobbler cooper currier cutler
    dairyman diver drover dyer engraver falconer farrier ferryman fiddler fisher fletcher forester fuller
    gardener gilder glazier glover gleaner grafter grocer harper hatter herald hooper joiner juggler keeper
    knitter lorimer luthier mason mercer miller minstrel navigator oarsman orchardist painter pargeter pilot
    piper planter plumber potter printer quarrier quilter ranger reaper rigger roper saddler sailor sawyer
    scribe shepherd shipwright singer skipper slater smith spinner steward tailor tanner tasker thatcher tiler
    tinker turner vintner wainwright warden weaver wheelwright woodman wright
""".split()  # noqa: SIM905  (the formatter would give each word a line)


def check_name(name: str) -> str:
    """The name without its slash. Raises BadRequest with docker's words."""
    if not _VALID.fullmatch(name):
        raise BadRequest(f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
    return name.removeprefix("/")


def fresh_name(taken: Container[str], rng: random.Random | None = None) -> str:
    """A name like ``patient_weaver`` that is not ``taken``; with a number when the plain ones run out."""
    chosen = rng or random
    for attempt in range(100):
        name = f"{chosen.choice(_QUALITIES)}_{chosen.choice(_CRAFTS)}"
        if attempt >= 5:
            name += str(chosen.randrange(10 ** (attempt // 5)))
        if name not in taken:
            return name
    raise RuntimeError("no free name was found in 100 attempts")
