#!/usr/bin/env python3
"""Follows the links of the built book: book.py DIRECTORY, where `mdbook build` left it. Each link, image and style within the
book must lead to a file that is there, and to a place on its page. Links to other sites are not followed."""

import pathlib
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag


class Page(HTMLParser):
    """The places a page has, and where it leads."""

    def __init__(self, text):
        super().__init__()
        self.places, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        """Notes what a tag says of places and links."""
        for name, value in attributes:
            if name in ("id", "name"):
                self.places.add(value)
            elif name in ("href", "src") and value and tag != "base":
                self.links.append(value)


def main(directory):
    """Prints each link that leads nowhere, and fails if there is one."""
    root = pathlib.Path(directory).resolve()
    # The page of unknown addresses links from the root of a site, and the one to print repeats all others at another place.
    left_out = {root / "404.html", root / "print.html", root / "toc.html"}
    files = sorted(set(root.rglob("*.html")) - left_out)
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in files}
    broken, followed = [], 0
    for file, page in pages.items():
        for link in page.links:
            target, place = urldefrag(link)
            if "://" in target or target.startswith(("mailto:", "data:", "javascript:")):
                continue
            followed += 1
            path = (file.parent / unquote(target)).resolve() if target else file
            is_inside = path == root or root in path.parents
            if not (is_inside and path.exists()):
                broken.append(f"{file.relative_to(root)}: {link}: no such file in the book")
            elif place and path in pages and unquote(place) not in pages[path].places:
                broken.append(f"{file.relative_to(root)}: {link}: no such place on the page")
    print("\n".join(broken + [f"{len(pages)} pages, {followed} links followed, {len(broken)} lead nowhere"]))
    if broken or len(pages) < 2:
        sys.exit(1)


main(sys.argv[1])
