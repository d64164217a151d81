"""Versions: of this package, and of the specification that it follows.

Here and not in the installer's metadata, which take three times as long to read as all else that ``pyrunc --version`` does.
"""

VERSION = "0.1.0"

OCI_VERSION = "1.3.0"
"""The version of the runtime-spec that this package knows completely."""
