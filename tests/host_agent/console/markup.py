"""A page as a reader of its HTML sees it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = ("meta", "link", "input", "rect", "line")


@dataclass
class Element:
    """`text` is all that stands in it, blanks folded."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Markup(HTMLParser):
    """The elements of a page in their order. Fails if they are not closed as they were opened."""

    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text = " ".join(f"{element.text} {data}".split())

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Those of a tag whose attributes are so."""
        return [
            element
            for element in self.elements
            if element.tag == tag and attributes.items() <= element.attributes.items()
        ]

    def by_id(self, name: str) -> Element:
        """The only one of that id."""
        (found,) = [each for each in self.elements if each.attributes.get("id") == name]
        return found


def text_of(page: str) -> str:
    """What a page says, on one line."""
    return read(page).by_id("main").text


def read(page: str) -> Markup:
    markup = Markup()
    markup.feed(page)
    markup.close()
    assert not markup._open
    return markup
