"""`python provisioning.py NAME OUT`: what a board would get, into OUT, as `flash` asks for it."""

import base64
import json
import sys
from pathlib import Path

from host_agent.errors import ThingWardenError
from tools.board.ask import Ask
from tools.board.provision import files_for

try:
    files = files_for(sys.argv[1], Path("agent.toml"), Path("boards"), Ask())
except ThingWardenError as error:
    sys.exit(str(error))
sys.stdout.write(f"{files}\n")
extra = {name: base64.b64encode(content).decode() for name, content in files.extra.items()}
Path(sys.argv[2]).write_text(json.dumps({"config": files.config, "extra": extra}))
