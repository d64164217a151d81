"""The flags of ``run`` and ``create``, and what they mean in the Engine API."""
