"""The Engine API: one module per resource, in the order of the API's own document."""
