"""Supervisors that leave nothing: whatever ends their program, containers, mounts, cgroups and directories go.

Two nets, because neither is whole alone:

1. ``guard``: a small process of its own session watches the program (pidfd_open(2), which no child inherits) and clears up the moment that
   it has ended, however it has ended, or has become another program (execve(2)).
2. ``register``: each ephemeral supervisor has an entry below /run that says what is to be deleted and whose it is. The next one that is
   opened on the machine clears up after those whose program has gone: somebody has killed their watcher, too.

Closing uses the same code as both: there is one way in which an ephemeral supervisor ends.
"""
