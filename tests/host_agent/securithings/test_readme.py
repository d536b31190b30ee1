"""The example of the library's README does what it says."""

import re
from pathlib import Path

README = Path(__file__).parents[3] / "host_agent" / "securithings" / "README.md"


def test_the_example_runs(serve, capsys):
    endpoint = serve()
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(example.replace("http://127.0.0.1:8720/api/v1/event", endpoint.url), {})
    assert capsys.readouterr().out == "201 {}\n"
    assert b"temperature_reading" in endpoint.requests[0]
