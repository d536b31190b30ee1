"""GuardianKey's half of the sandbox: it opens, checks, judges and answers for real (WIRE.md B).

Its cipher and its checks are its own; the clients under test share no code with it.
"""

from tools.sandbox.guardiankey.accounts import Account, AccountsError, read_accounts
from tools.sandbox.guardiankey.service import GuardianKey

__all__ = ["Account", "AccountsError", "GuardianKey", "read_accounts"]
