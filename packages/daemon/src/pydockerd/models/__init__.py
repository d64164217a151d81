"""What travels over the API: attrs classes for the request and response bodies."""
