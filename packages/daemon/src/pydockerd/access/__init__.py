"""Who may do what: authorizers are asked before a request is served, and again before its answer is sent."""
