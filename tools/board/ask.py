"""Questions to the person at the terminal; secrets are typed unseen."""

import getpass
import sys

from tools.board.errors import BoardError


class Ask:
    """Asks on standard input and output. Raises BoardError when the input ends."""

    @property
    def possible(self) -> bool:
        """Whether somebody is there to answer."""
        return sys.stdin.isatty()

    def say(self, text: str) -> None:
        print(text, flush=True)

    def text(self, question: str, default: str = "") -> str:
        """One line without its outer blanks, `default` for an empty one."""
        shown = f"{question} [{default}]: " if default else f"{question}: "
        while True:
            answer = self._read(shown, secret=False).strip()
            if answer.isprintable():
                return answer or default
            self.say("that has characters that cannot be shown; once more")

    def secret(self, question: str) -> str:
        """One line as it was typed, which may be empty."""
        while True:
            answer = self._read(f"{question}: ", secret=True)
            if answer.isprintable():
                return answer
            self.say("that has characters that cannot be shown; once more")

    def yes(self, question: str, *, default: bool) -> bool:
        """True for an answer that starts with y, False for one with n."""
        shown = f"{question} [{'Y/n' if default else 'y/N'}]: "
        while True:
            answer = self._read(shown, secret=False).strip().lower()
            if not answer:
                return default
            if answer[0] in "yn":
                return answer[0] == "y"

    def _read(self, shown: str, *, secret: bool) -> str:
        try:
            return getpass.getpass(shown) if secret else input(shown)
        except EOFError:
            raise BoardError("the answers ended early; nothing was written") from None
        except UnicodeDecodeError:
            raise BoardError("that answer is no UTF-8 text; nothing was written") from None
