"""The base of every error that ThingWarden raises on purpose."""


class ThingWardenError(Exception):
    """Its message tells a person what is wrong, where, and what to do; it never holds a secret."""
