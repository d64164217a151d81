"""Tests in which other projects' programs use our interfaces."""
