"""Dockerfiles: from text to instructions, each knowing its line and column. Pure; the only error that comes out is DockerfileError."""
