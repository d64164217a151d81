"""Volumes: directories that outlive containers, and who uses which. The driver is docker's ``local``; there is no other.

A volume is ``<data root>/volumes/<name>/_data`` and a row of the daemon's database. The one with options (``type``, ``o``, ``device``) has nothing of its
own: a file system is mounted over its directory while containers run that use it, in the machine's mount namespace. There it outlives a daemon
that is killed, as the containers do, and the next one finds it and counts its users again.

What keeps data safe:

- a volume is deleted only after that was written down, which is refused while any container, running or not, has it among its mounts;
- it is renamed out of the way first, and nothing that is mounted in it is ever walked into;
- the directory of a volume with options is removed by rmdir(2), which cannot delete what somebody else keeps in ``device``;
- anonymous volumes carry the id of the container that they were made for, so that a daemon which starts knows which of them a killed one was
  about to keep or to delete;
- a directory without a row, that has something in it, is a volume (docker's rule, too): losing the database loses labels, not data.
"""
