"""The Engine API's JSON as attrs classes: read at the edge, never passed on as dictionaries."""
