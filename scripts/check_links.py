#!/usr/bin/env python3
"""Checks what the Markdown pages of the project refer to.

    scripts/check_links.py

- Every relative link and picture leads to a file, and its anchor to a heading of that page.
- A page of the book links to pages of the book only: what lies beside it is not there once the book is built. Every page stands in
  SUMMARY.md, once.
- Every path of a source file or folder that a page names (`scripts/test.sh`, `blocks/src/`) exists.

Prints what is wrong, a line each; exit code 1 if anything is.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "docs/src"
# What simulator/validation/README.md is made from.
TEMPLATE = ROOT / "simulator/validation/src/page.md"
# Names files of earlier versions.
PAST = ROOT / "CHANGELOG.md"

FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(<?([^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
# Not the root package's own `src`: pages name that of many crates.
FOLDERS = "|".join(sorted(f.name for f in ROOT.iterdir() if f.is_dir() and f.name[0] != "." and f.name not in ("runs", "src", "target")))
PATH = re.compile(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./-]*(?:\.(?:c|md|py|rs|sh|svg|toml|txt)\b|(?<=/)(?=`))")


def anchors(text: str) -> set[str]:
    """The names by which headings of a page can be linked to."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = "".join(c if c.isalnum() or c in "_-" else "-" if c.isspace() else "" for c in heading)
        again = sum(1 for other in found if other == name or re.fullmatch(re.escape(name) + r"-\d+", other))
        found.add(f"{name}-{again}" if again else name)
    return found


def wrong_links(page: Path, text: str) -> list[str]:
    """What is wrong with a page's links."""
    wrong = []
    for target in LINK.findall(CODE.sub("", FENCE.sub("", text))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        goal = (page.parent / name).resolve() if name else page
        if not goal.exists():
            wrong.append(f"{target}: there is no such file")
        elif BOOK in page.parents and BOOK not in goal.parents:
            wrong.append(f"{target}: leaves the book; name the path as `code` instead")
        elif anchor and goal.suffix == ".md" and anchor not in anchors(goal.read_text()):
            wrong.append(f"{target}: the page has no such heading")
    return wrong


def wrong_paths(page: Path, text: str) -> list[str]:
    """Paths of source files and folders in a page that do not exist, neither from the project's folder nor from the page's."""
    named = set(PATH.findall(re.sub(r"\]\([^)]*\)", "", text)))
    return [f"{path}: there is no such file" for path in sorted(named) if not (ROOT / path).exists() and not (page.parent / path).exists()]


def wrong_summary(pages: set[Path]) -> list[str]:
    """Pages of the book that its table of contents does not hold exactly once."""
    listed = [BOOK / target for target in LINK.findall((BOOK / "SUMMARY.md").read_text())]
    pages = pages - {BOOK / "SUMMARY.md"}
    return [f"{page.name}: stands {listed.count(page)} times in SUMMARY.md" for page in sorted(pages) if listed.count(page) != 1]


def main() -> int:
    """Checks all pages."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    pages = [ROOT / name for name in names if name and (ROOT / name).exists() and ROOT / name != TEMPLATE]
    wrong = []
    for page in pages:
        text = page.read_text()
        faults = wrong_links(page, text) + ([] if page == PAST else wrong_paths(page, text))
        wrong += [f"{page.relative_to(ROOT)}: {fault}" for fault in faults]
    wrong += [f"docs/src/{fault}" for fault in wrong_summary({page for page in pages if BOOK in page.parents})]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
