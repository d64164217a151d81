"""Tests of pycontainerd.registry, and of pull and push."""
