"""Runs a filter program in the real kernel: a child loads it and makes system calls by number."""

from __future__ import annotations

import json
import subprocess
import sys

_CHILD = """
import ctypes, json, os, sys
program, calls = bytes.fromhex(sys.argv[1]), json.loads(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
buffer = ctypes.create_string_buffer(program, len(program))
filter = Program(len(program) // 8, ctypes.addressof(buffer))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(filter), 0, 0) == 0, os.strerror(ctypes.get_errno())
answers = []
for number, *arguments in calls:
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_ulong(argument) for argument in arguments))
    answers.append(ctypes.get_errno() if result == -1 else 0)
os.write(1, json.dumps(answers).encode())
os._exit(0)
"""


def run(program: bytes, *calls: tuple[int, ...]) -> list[int]:
    """The errno of each call (number, arguments …), 0 where it succeeded, under ``program`` with no_new_privs set."""
    command = [sys.executable, "-c", _CHILD, program.hex(), json.dumps(calls)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=30)
    answers: list[int] = json.loads(done.stdout)
    return answers


def status(program: bytes, *calls: tuple[int, ...]) -> int:
    """The exit status of the child: minus the signal that killed it."""
    command = [sys.executable, "-c", _CHILD, program.hex(), json.dumps(calls)]
    return subprocess.run(command, check=False, capture_output=True, timeout=30).returncode
