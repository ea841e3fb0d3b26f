"""What several tests of reports look at: whether a page is well formed, harmless and alone."""

from html.parser import HTMLParser
from xml.etree import ElementTree

from confide.evaluators.report import page
from confide.evaluators.report.parts import Figure

HOSTILE = '</script><b onclick="x">&amp;\'\x1b[31m\u202egnp\u2066 \\end{table} $x_1^2$ 100% #1 ~{a}'


def parts_of(report, kind):
    return {part.id: part for section in report.sections for part in section.parts if isinstance(part, kind)}


class Checked(HTMLParser):
    """Tags that are opened and closed in turn; ids, links and addresses of what is loaded."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.loaded, self.tags = [], [], [], [], set()
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.add(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self.loaded += [
            value for name, value in attrs if name in ("src", "href", "srcset", "data", "action", "xlink:href")
        ]
        assert not [name for name, _ in attrs if name.startswith("on")], attrs
        if tag not in ("meta", "link", "br", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(report):
    text = page(report)
    found = Checked(text)
    assert len(set(found.ids)) == len(found.ids)
    assert all(link.startswith("#") and link[1:] in found.ids for link in found.links)
    assert all(each.startswith("#") for each in found.loaded)
    assert not found.tags & {"script", "link", "iframe", "object", "embed", "img", "form", "base"}
    assert "default-src 'none'" in text.replace("&#x27;", "'")
    assert "url(" not in text
    for figure in parts_of(report, Figure).values():
        root = ElementTree.fromstring(figure.svg)
        assert root.get("role") == "img"
        assert {child.tag.rpartition("}")[2] for child in root} >= {"title", "desc"}
    return text
