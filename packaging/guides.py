# SPDX-License-Identifier: MIT
"""Guides as a package ships them, all in one directory: links between shipped guides work there,
links to what is not shipped become plain text."""

import posixpath
import re

# [text](target#anchor). Neither part has brackets of its own kind, except code in the text.
_LINK = re.compile(r"\[((?:`[^`]*`|[^\[\]`])*)\]\(([^()\s]*)\)")


def shipped(text: str, source: str, names: dict[str, str]) -> str:
    """The text of `source` (a path in the repository). `names`: what is shipped beside it, by its
    path in the repository."""
    def replace(link: re.Match) -> str:
        words, target = link[1], link[2]
        path, hash_mark, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or not path:
            return link[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        return f"[{words}]({names[path]}{hash_mark}{anchor})" if path in names else words
    return _LINK.sub(replace, text)


def links(text: str) -> list[tuple[str, str]]:
    """(file, anchor) of every link that is not to the network; file "" is the text itself."""
    found = [link[2] for link in _LINK.finditer(text) if not re.match(r"[a-z]+:", link[2])]
    return [(target.partition("#")[0], target.partition("#")[2]) for target in found]


def anchors(text: str) -> set[str]:
    """What a link to this text may name after #, as the pages of repositories make it."""
    found = set(re.findall(r'<a id="([^"]+)"', text))
    code = False
    for line in text.splitlines():
        code ^= line.startswith("```")
        if not code and (heading := re.match(r"#+ (.*)", line)):
            words = re.sub(r"[^\w\- ]", "", _LINK.sub(r"\1", heading[1]).lower())
            found.add(words.strip().replace(" ", "-"))
    return found
