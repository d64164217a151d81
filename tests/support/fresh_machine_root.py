"""Run a command whose root is another directory: ``fresh_machine_root.py ROOT DIRECTORY COMMAND…``.

To be run in mount and pid namespaces of its own, as their first process. The root is changed by pivot_root(2), not chroot(2), because containers are made
in it: that needs a root that is a mount point, and nothing of the old one must stay in reach.
"""

from __future__ import annotations

import os
import subprocess
import sys


def main(root: str, directory: str, command: list[str]) -> None:
    """Mount what a machine has, go there, and run the command."""
    _mount("--bind", root, root)
    _mount("--types", "proc", "proc", f"{root}/proc")
    _mount("--rbind", "/sys", f"{root}/sys")  # with the hierarchies of cgroups
    _mount("--rbind", "/dev", f"{root}/dev")
    _mount("--types", "tmpfs", "tmpfs", f"{root}/run")
    os.chdir(root)
    subprocess.run(["pivot_root", ".", "mnt"], check=True)
    os.chdir("/")
    subprocess.run(["umount", "--lazy", "/mnt"], check=True)
    os.chdir(directory)
    sys.exit(_as_init(command))


def _as_init(command: list[str]) -> int:
    """Run the command to its end, and reap whatever else ends meanwhile, as a machine's first process does. Returns its exit code."""
    with subprocess.Popen(command) as child:
        while True:
            pid, status = os.wait()
            if pid == child.pid:
                child.returncode = os.waitstatus_to_exitcode(status)
                return child.returncode


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
