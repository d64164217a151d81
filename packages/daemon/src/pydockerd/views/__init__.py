"""Pure functions from the supervisor's state to the API's response bodies."""
