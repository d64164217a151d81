"""``pyrunc update``."""

from __future__ import annotations

import json
import sys

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser, count
from pyrunc.errors import SpecError
from pyrunc.spec.resources import Cpu, Memory, Pids, Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from pyrunc.spec.intelrdt import IntelRdt

_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_STDIN = "-"


def _parser() -> Parser:
    parser = container_parser("update", "Change the limits of a container. What is not named stays as it is.")
    parser.add_argument(
        "--resources", "-r", metavar="FILE", help="linux.resources as JSON, '-' for stdin; others are ignored then"
    )
    parser.add_argument("--blkio-weight", metavar="N", type=count, help="10 to 1000")
    parser.add_argument("--cpu-burst", metavar="MICROSECONDS", type=count, help="saved up of unused quota at most")
    parser.add_argument("--cpu-idle", metavar="0|1", type=int, choices=(0, 1), help="1: only what others leave over")
    parser.add_argument("--cpu-period", metavar="MICROSECONDS", type=count)
    parser.add_argument("--cpu-quota", metavar="MICROSECONDS", type=int, help="of each period; -1: all of it")
    parser.add_argument("--cpu-rt-period", metavar="MICROSECONDS", type=count)
    parser.add_argument("--cpu-rt-runtime", metavar="MICROSECONDS", type=int)
    parser.add_argument("--cpu-share", metavar="N", type=count, help="weight beside other containers")
    parser.add_argument("--cpuset-cpus", metavar="LIST", default="", help="processors, such as 0-3,7")
    parser.add_argument("--cpuset-mems", metavar="LIST", default="", help="memory nodes")
    parser.add_argument("--kernel-memory", metavar="BYTES", type=_bytes, help="without effect, as in runc")
    parser.add_argument("--kernel-memory-tcp", metavar="BYTES", type=_bytes, help="without effect, as in runc")
    parser.add_argument("--l3-cache-schema", metavar="SCHEMA", help="lines of resctrl, such as L3:0=7f")
    parser.add_argument("--mem-bw-schema", metavar="SCHEMA", help="such as MB:0=20")
    parser.add_argument("--memory", metavar="BYTES", type=_bytes, help="such as 64m; -1: no limit")
    parser.add_argument("--memory-reservation", metavar="BYTES", type=_bytes)
    parser.add_argument("--memory-swap", metavar="BYTES", type=_bytes, help="memory and swap together; -1: no limit")
    parser.add_argument("--pids-limit", metavar="N", type=int, help="-1: no limit")
    return parser


def _bytes(text: str) -> int:
    """``67108864``, ``64m``, ``1.5GiB``: units are powers of 1024 and of any case, as everywhere in docker's world; -1 is no limit."""
    if text == "-1":
        return -1
    word = text.strip().lower()
    word = word.removesuffix("ib") if word.endswith("ib") else word.removesuffix("b")
    number, unit = (word[:-1], word[-1]) if word[-1:].isalpha() else (word, "")
    number = number.strip()
    if unit not in _UNITS or not number.replace(".", "", 1).isdecimal():
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"expected a number of bytes such as 64m, got {text!r}")
    return int((float if "." in number else int)(number) * 1024 ** _UNITS[unit])


def _run(arguments: Namespace, options: Globals) -> int:
    changes = _load(arguments.resources) if arguments.resources else _of(arguments)
    options.runtime().get(arguments.container).update(changes, intel_rdt=_rdt(arguments))
    if not arguments.resources and (arguments.kernel_memory or arguments.kernel_memory_tcp):
        from logging import getLogger

        getLogger("pyrunc").warning(
            "--kernel-memory and --kernel-memory-tcp have no effect: kernels have no such limit now"
        )
    return 0


def _load(path: str) -> Resources:
    """Raises SpecError, OSError."""
    if path == _STDIN:
        content = sys.stdin.buffer.read()
    else:
        with open(path, "rb") as file:
            content = file.read()
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        place = "standard input" if path == _STDIN else path
        raise SpecError("linux.resources", f"{place} is not JSON: {error}") from error
    return Resources.from_json(document, "linux.resources")


def _of(arguments: Namespace) -> Resources:
    from pyrunc.spec.blockio import BlockIo

    memory = Memory(limit=arguments.memory, reservation=arguments.memory_reservation, swap=arguments.memory_swap)
    cpu = Cpu(
        shares=arguments.cpu_share,
        quota=arguments.cpu_quota,
        burst=arguments.cpu_burst,
        period=arguments.cpu_period,
        realtime_runtime=arguments.cpu_rt_runtime,
        realtime_period=arguments.cpu_rt_period,
        cpus=arguments.cpuset_cpus,
        mems=arguments.cpuset_mems,
        idle=arguments.cpu_idle,
    )
    return Resources(
        memory=memory, cpu=cpu, pids=Pids(limit=arguments.pids_limit), block_io=BlockIo(weight=arguments.blkio_weight)
    )


def _rdt(arguments: Namespace) -> IntelRdt | None:
    """Raises SpecError."""
    from pyrunc.spec.intelrdt import IntelRdt, read_bandwidth

    cache, bandwidth = arguments.l3_cache_schema, arguments.mem_bw_schema
    if not cache and not bandwidth:
        return None
    bandwidth = read_bandwidth(bandwidth, "--mem-bw-schema") if bandwidth else ""
    return IntelRdt(l3_cache_schema=cache or "", mem_bw_schema=bandwidth)


COMMAND = Command(parser=_parser, run=_run)
