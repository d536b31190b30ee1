"""A simulated board runs the owner's modules that lie beside its config.json."""

import re
from pathlib import Path

from tools.simulator import SimulatedBoard, UsbBoard

CONFIG = {
    "device": "garden",
    "key": "A" * 43 + "=",
    "agent": "http://127.0.0.1:1",
    "commands": {"blink": {"module": "garden"}, "wink": {"module": "absent"}},
}
GARDEN = "def start(report):\n    report('rain', {'mm': 2})\n\ndef blink(value):\n    pass\n"


def test_a_module_in_its_directory(tmp_path: Path) -> None:
    (tmp_path / "garden.py").write_text(GARDEN)
    with SimulatedBoard(tmp_path, CONFIG) as board:
        board.wait_for("command wink: absent: no module named 'absent'")
        board.wait_for(r"captured 1:1 rain \{'mm': 2\}")


def test_on_a_cable(tmp_path: Path) -> None:
    root = tmp_path / "garden"
    root.mkdir()
    (root / "garden.py").write_text(GARDEN)
    with UsbBoard(root, config=CONFIG, firmware=True) as board:
        board.wait_for("command wink: absent: no module named 'absent'")
        board.wait_for(r"captured 1:1 rain \{'mm': 2\}")


def test_the_example_of_the_firmware_s_page(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "firmware/README.md").read_text()
    (example,) = re.findall(r"```python\n(from machine.*?)```", page, re.DOTALL)
    (tmp_path / "garden.py").write_text(example)
    config = CONFIG | {"commands": {"blink": {"module": "garden"}}}
    with SimulatedBoard(tmp_path, config, millivolts={35: 1650.0}) as board:
        board.wait_for(r"captured 1:1 soil \{'moisture': 32767\}")
        assert not any("command blink" in line for line in board.lines)
