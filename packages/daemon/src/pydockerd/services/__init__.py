"""What the handlers ask for when one call of the supervisor is not enough."""
