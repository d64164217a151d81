"""What the daemon itself remembers: volumes and networks. Containers and images are the supervisor's."""
