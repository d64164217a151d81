"""The client: its pure parts without a daemon, its commands beside docker's."""
