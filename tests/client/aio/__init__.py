"""The awaitable client."""
