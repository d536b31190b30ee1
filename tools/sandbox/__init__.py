"""A strict local stand-in for the clouds, SecuriThings and GuardianKey, with faults on demand.

`python -m tools.sandbox` runs it as a process, `running()` inside a test. How to ask it: README.md.
"""

from tools.sandbox.guardiankey import Account
from tools.sandbox.server import Sandbox, running

__all__ = ["Account", "Sandbox", "running"]
