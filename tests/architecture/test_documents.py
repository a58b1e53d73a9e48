"""The documents are true in what a machine can check: links, numbers of decisions, no trace of the writer's machine."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from .tree import ROOT, files, name, text_files

DECISIONS = ROOT / "docs" / "adr"
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_NAMED = re.compile(r"(?<![\w/])docs/[\w./-]*\w")
_STATUS = re.compile(r"^Status: (accepted|proposed|rejected|replaced by \d+)\.$", re.M)
_STANDARD_ROOTS = {"bin", "etc", "home", "mnt", "opt", "private", "root", "srv", "tmp", "usr", "var", "Users"}
_INDEX_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX")


def test_links_lead_somewhere() -> None:
    broken = [
        f"{name(page)}: {target}"
        for page in files(".md")
        for target in _LINK.findall(page.read_text())
        if not resolves(page, target)
    ]
    assert not broken, f"these links lead nowhere: {broken}"


def test_documents_that_the_code_names_exist() -> None:
    missing = {
        f"{name(path)}: {found}"
        for path, text in text_files()
        if path.parent != Path(__file__).parent
        for found in _NAMED.findall(text)
        if not list(ROOT.glob(f"{found}*"))
    }
    assert not missing, f"these documents are not there: {sorted(missing)}"


def test_every_decision_has_a_number_a_title_and_a_status() -> None:
    for page in sorted(DECISIONS.glob("*.md")):
        text, number = page.read_text(), int(page.name[:4])
        assert text.startswith(f"# {number}. "), f"{page.name}: begin with '# {number}. Title'"
        assert _STATUS.search(text), f"{page.name}: say 'Status: accepted.' on a line of its own"


def test_numbers_of_decisions_are_unique() -> None:
    numbers = Counter(page.name[:4] for page in DECISIONS.glob("*.md"))
    assert not [number for number, times in numbers.items() if times > 1]


def test_every_page_is_on_the_map() -> None:
    text = (ROOT / "docs" / "index.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert not [page for page in pages if f"({page})" not in text], "docs/index.md names every page"


def test_nothing_tells_of_the_machine_it_was_written_on() -> None:
    found = [
        f"{name(path)}: {what}"
        for path, text in text_files()
        for what, trace in traces_of_this_machine().items()
        if trace in text
    ]
    assert not found, f"the tree must not know where it was made: {found}"


def traces_of_this_machine() -> Mapping[str, str]:
    """Strings that can only come from here: where the tree lies, and where this machine gets its packages."""
    top = ROOT.parts[1]
    place = f"{ROOT}/" if top in _STANDARD_ROOTS else f"/{top}/"
    return {"the checkout's path": place, **{f"a package index ({host})": host for host in index_hosts()}}


def index_hosts() -> Iterator[str]:
    for variable in _INDEX_VARIABLES:
        host = urlsplit(os.environ.get(variable, "")).hostname
        if host and not host.endswith("pypi.org") and host not in ("localhost", "127.0.0.1"):
            yield host


def resolves(page: Path, target: str) -> bool:
    """Whether a link of a page leads to a file of the tree, and to a heading of it where it names one."""
    if urlsplit(target).scheme:
        return True
    place, _, anchor = target.partition("#")
    found = (page.parent / place).resolve() if place else page
    if not found.exists():
        return False
    return not anchor or found.suffix != ".md" or anchor in {slug(line) for line in headings(found)}


def headings(page: Path) -> Iterator[str]:
    fenced = False
    for line in page.read_text().splitlines():
        fenced ^= line.startswith("```")
        if line.startswith("#") and not fenced:
            yield line.lstrip("#").strip()


def slug(heading: str) -> str:
    """A heading's anchor, as the usual renderers of Markdown make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
