"""Every field of config.json, shown by what the container itself sees. docs/spec-fields.md is the table."""
