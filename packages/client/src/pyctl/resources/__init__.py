"""One class per resource of the Engine API, one method per operation, in the order of the API's own document."""
