"""Which tests each machine runs when none are named, so that both machines together fit a quarter of an hour.

Under TCG a Python interpreter takes a second to start and everything is twenty to forty times slower. So the machines run what a
kernel, a hierarchy of cgroups or an init can make a difference to, and leave out what is the same computation everywhere.
"""

from __future__ import annotations

from typing import Final

from tests.vm.machine import Init

CHECKS: Final = "tests/vm/guest/checks.py"
SAME_EVERYWHERE: Final = (
    # The compiler and its sanitizers.
    "tests/runtime/native/test_build.py",
    "tests/runtime/native/test_decoder.py",
    "tests/runtime/test_joining.py",
    # Pure functions: config.json in, plan or text out.
    "tests/runtime/compile",
    "tests/runtime/spec",
    "tests/runtime/seccomp/test_assembler.py",
    "tests/runtime/seccomp/test_profile.py",
    # An interpreter in each of two hundred containers, which asks a kernel what any of this age answers alike.
    "tests/runtime/fields/test_contradictions.py",
    "tests/runtime/fields/test_hooks.py",
    "tests/runtime/fields/test_network.py",
    "tests/runtime/fields/test_process.py",
    "tests/runtime/fields/test_rdt.py",
    "tests/runtime/fields/test_seccomp.py",
    "tests/supervisor/containers/test_config.py",
    "tests/supervisor/oci",
    "tests/supervisor/logs/test_lines_and_format.py",
    # Files that are read and refused, or written; by skopeo, umoci and podman, too.
    "tests/supervisor/images/test_archives.py",
    "tests/supervisor/images/test_bad_archives.py",
    "tests/supervisor/images/test_documents.py",
    "tests/supervisor/images/test_forms.py",
    "tests/supervisor/images/test_platforms.py",
    # HTTP with Debian's docker-registry, which the machines do not have, and with evil ones.
    "tests/supervisor/registry",
    "tests/supervisor/content",
    # An interpreter for each kill: of the log's journal, which is pipes and files, and of the supervisor, whose store is.
    "tests/supervisor/logs/test_killed.py",
    "tests/supervisor/test_killed.py",
    # A pytest for each test, and a program for each way to end; file systems and a database that the machines do not have.
    "tests/supervisor/testing",
    "tests/supervisor/embedding/test_crash.py",
    "tests/supervisor/fork",
    # A hundred interpreters and fifty runs of runc, whose words are compared.
    "tests/runtime/cli/test_commands.py",
    "tests/runtime/cli/test_corners.py",
    "tests/runtime/cli/test_peers.py",
    "tests/runtime/cli/test_update.py",
    "tests/runtime/test_readme.py",
)
COSTLY: Final = (
    "tests/supervisor/test_recovery.py::test_a_log_over_several_kills",
    "tests/supervisor/test_recovery.py::test_no_line_of_a_log_is_lost_or_doubled",
)
"""A minute or more each, for many interpreters: about logs only."""
WITH_AN_INIT: Final = (
    "tests/runtime/cgroups",
    "tests/runtime/test_limits.py",
    "tests/runtime/test_lifecycle.py",
    "tests/runtime/test_exec.py",
    "tests/supervisor/tasks/test_life.py",
    "tests/supervisor/test_recovery.py",
)
"""What systemd, which has cgroups of its own and takes in orphans, could get in the way of."""

TIMEOUT_SECONDS: Final = 600
"""For one test."""


def default(init: Init) -> list[str]:
    """The arguments for pytest."""
    common = ["-v", "--no-header", f"--timeout={TIMEOUT_SECONDS}", "--durations=10"]
    deselected = [f"--deselect={name}" for name in COSTLY]
    if init == "systemd":
        return [*common, *deselected, CHECKS, *WITH_AN_INIT]
    ignored = [f"--ignore={name}" for name in SAME_EVERYWHERE]
    return [*common, *deselected, *ignored, CHECKS, "tests/runtime", "tests/supervisor"]
