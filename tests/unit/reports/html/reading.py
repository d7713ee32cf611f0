"""A page taken apart as a browser would: its elements, their attributes, its text."""

from __future__ import annotations

from html.parser import HTMLParser


class Reading(HTMLParser):
    """Every element of a page, and the text outside of style and script."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.comments: list[str] = []
        self._texts: list[str] = []
        self._within: list[str] = []
        self.feed(page)
        self.close()

    @property
    def text(self) -> str:
        """All that can be read."""
        return "".join(self._texts)

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of every such element; `class_` stands for class, which is a word of Python."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            found
            for name, found in self.elements
            if name == tag and all(found.get(key) == value for key, value in wanted.items())
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag in ("script", "style"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        if self._within and tag == self._within[-1]:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        """Text."""
        if not self._within:
            self._texts.append(data)

    def handle_comment(self, data: str) -> None:
        """A comment: the page has none of its own."""
        self.comments.append(data)
