"""Files between this machine and a container, as ``pyctl cp`` takes them: which name they get there, packed and unpacked."""
