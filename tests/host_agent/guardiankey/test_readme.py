"""The example of the library's README does what it says."""

import re
from pathlib import Path

README = Path(__file__).parents[3] / "host_agent" / "guardiankey" / "README.md"


def test_the_example_runs(sandbox, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(example.replace("http://127.0.0.1:8720", sandbox.url), {})
    assert capsys.readouterr().out == "ACCEPT 5.0 True\n"
    (taken,) = sandbox.guardiankey.inbox.after(0)
    assert taken.body.event["userName"] == "john"
