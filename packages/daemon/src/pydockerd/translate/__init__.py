"""Pure functions from the API's vocabulary to the supervisor's."""
