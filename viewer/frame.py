"""The page's frame: HTML around the prebuilt script and styles in ``static``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
"""The page's script, styles and icon; ``page`` has what they are made of."""
HEAD: Final = """<!doctype html>
<html lang="en"{mark}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
{more}<title>confide</title>
<link rel="icon" href="{icon}">
"""
BODY: Final = """</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript: a program of its own, which loads nothing from elsewhere.</noscript>
"""
END: Final = "</body>\n</html>\n"


def static(name: str) -> str:
    """One of the page's own files."""
    return (STATIC / name).read_text(encoding="utf-8")


def served_page() -> str:
    """The page as the server sends it."""
    head = HEAD.format(mark="", more="", icon="icon.svg")
    return f'{head}<link rel="stylesheet" href="app.css">\n{BODY}<script src="app.js" defer></script>\n{END}'
