"""The API, for programs with a token."""
