"""What is known about images, snapshots, containers and events: one SQLite database."""
