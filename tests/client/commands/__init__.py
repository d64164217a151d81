"""The commands against a real daemon, side by side with docker."""
