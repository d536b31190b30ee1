"""A simulated board runs the owner's modules that lie beside its config.json."""

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
