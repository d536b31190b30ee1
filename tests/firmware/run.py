"""Runs one test function on MicroPython: `-m run MODULE FUNCTION`."""

import select  # noqa: F401 - with `time` what makes threads take turns; HEAP allows for both
import sys
import time  # noqa: F401

import warden  # noqa: F401 - sets up the heap as on a board, before anything is compiled

try:
    getattr(__import__(sys.argv[1]), sys.argv[2])()
except BaseException as error:
    sys.print_exception(error)
    sys.exit(1)
print(sys.argv[2], "ok")
