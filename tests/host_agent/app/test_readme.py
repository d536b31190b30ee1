"""The example on the page about apps is the file that it names."""

from pathlib import Path

from host_agent.app.loading import load_app

FOLDER = Path(__file__).parents[3] / "host_agent"


def test_the_readme_shows_the_example_as_it_is() -> None:
    example = (FOLDER / "examples/hvac.py").read_text()
    assert f"```python\n{example}```" in (FOLDER / "app/README.md").read_text()


def test_the_example_can_be_loaded() -> None:
    agent = load_app(FOLDER / "examples/hvac.py")
    assert [wanted for wanted, _ in agent.event_handlers] == ["buttonState"]
    assert agent.request_handler is not None
