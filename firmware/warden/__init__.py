"""ThingWarden on the board. Every module but `app` takes what it needs through its constructor."""

VERSION = "0.1.0"
