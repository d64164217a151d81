"""The Docker Engine API over pycontainerd."""

__version__ = "0.1.0"
