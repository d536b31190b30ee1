"""ThingWarden on the board. Every module but `app` takes what it needs through its constructor."""

import gc

VERSION = "0.1.0"

# Collect often: compiling and reporting would otherwise leave the heap in pieces too small for a
# frame (with 90 of 160 KB free, 4 KB in one piece were not to be had).
gc.threshold(8192)
