#!/usr/bin/env python3
"""Finds files of a crate that import each other in a circle.

    scripts/import_circles.py [--allow CRATE …] [CRATE …]

Reads the `use` lines and the paths `crate::…`, `super::…`, `self::…` and `module::…` of every file below src, and follows each name to the
file that defines it. A file depends on the files whose names it uses, and on every file on the way whose `use` hands the name on. What a
parent says of its children with `mod` and `pub use` does not count, nor does code under `#[cfg(test)]`. Prints every circle with the
lines that make it. The exit code is 1 if a crate that is not allowed to has one.
"""

import argparse
import pathlib
import re
import sys
import tomllib
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent

TEXT_AND_COMMENTS = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | \b[bc]?r(?P<hash>\#*)".*?"(?P=hash) | [bc]?"(?:\\.|[^"\\])*" | b?'(?:\\[^\n]*?|[^\\'\n])'""",
    re.VERBOSE | re.DOTALL,
)
TEST_ATTRIBUTE = re.compile(r"#!?\[cfg\((?:all\()?\s*test\b[^\]]*\]")
ITEM = re.compile(r"\b(?:fn|struct|enum|union|trait|type|const|static|macro_rules!)\s+([A-Za-z_]\w*)")
MODULE = re.compile(r"((?:#\[[^\]]*\]\s*)*)\b(?:pub(?:\([^)]*\))?\s+)?mod\s+([A-Za-z_]\w*)\s*([;{])")
USE = re.compile(r"(\bpub(?:\([^)]*\))?\s+)?\buse\s+([^;]+);")
PATH = re.compile(r"(?<![\w:$])(?:\$?crate|[A-Za-z_]\w*)(?:\s*::\s*[A-Za-z_]\w*)+")


@dataclass
class Module:
    path: tuple  # Of names, the crate's root first.
    file: pathlib.Path
    code: str = ""
    items: set = field(default_factory=set)
    imports: dict = field(default_factory=dict)  # Name -> path
    globs: list = field(default_factory=list)  # Paths
    uses: list = field(default_factory=list)  # (position, path, name, is public)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def end_of_item(code, start):
    """Where the item that starts here ends: at its semicolon, or where its braces close."""
    is_use = re.match(r"\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?use\b", code[start:])
    depth = 0
    for i in range(start, len(code)):
        if code[i] in "([{":
            depth += 1
        elif code[i] in ")]}":
            depth -= 1
            if depth <= 0 and code[i] == "}" and not is_use:
                return i + 1
        elif code[i] == ";" and depth == 0:
            return i + 1
    return len(code)


def without_tests(code):
    while found := TEST_ATTRIBUTE.search(code):
        if found.group().startswith("#!"):
            return ""
        end = end_of_item(code, found.end())
        code = code[: found.start()] + blank(code[found.start() : end]) + code[end:]
    return code


def leaves(tree):
    """The paths of a `use`: (names, the name it is known by)."""
    tree = tree.strip()
    if "{" not in tree:
        path, _, other = tree.partition(" as ")
        names = [name.strip() for name in path.split("::")]
        if names[-1] == "self" and len(names) > 1:
            names.pop()
        yield names, other.strip() or names[-1]
        return
    prefix, rest = tree.split("{", 1)
    inside, depth, start = rest[: rest.rindex("}")] + ",", 0, 0
    for i, letter in enumerate(inside):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            if part := inside[start:i].strip():
                yield from leaves(prefix.strip() + part)
            start = i + 1


class Crate:
    def __init__(self, name, roots):
        self.library = name.replace("-", "_")
        self.modules = {}
        for root in roots:
            top = self.library if root.name == "lib.rs" else f"bin {root.stem}"
            self.read((top,), root, root.parent)

    def read(self, path, file, folder):
        text = TEXT_AND_COMMENTS.sub(lambda found: blank(found.group()), source := file.read_text())
        self.add(path, file, folder, without_tests(text), source)

    def add(self, path, file, folder, code, source):
        module = self.modules[path] = Module(path, file)
        while found := next(iter(self.inline(code)), None):
            end = end_of_item(code, found.start(2))
            body = found.end()
            inner = blank(code[:body]) + code[body : end - 1]
            self.add(path + (found.group(2),), file, folder / found.group(2), inner, source)
            code = code[: found.start()] + blank(code[found.start() : end]) + code[end:]
        for found in MODULE.finditer(code):
            child = found.group(2)
            named = re.search(r'#\[path\s*=\s*"([^"]+)"', source[found.start() : found.end()])
            choices = [file.parent / named.group(1)] if named else [folder / f"{child}.rs", folder / child / "mod.rs"]
            if there := next((choice for choice in choices if choice.exists()), None):
                self.read(path + (child,), there, there.parent if there.name == "mod.rs" else folder / child)
        module.code = code
        module.items = set(ITEM.findall(code))
        for found in USE.finditer(code):
            for names, known in leaves(found.group(2)):
                if known == "*":
                    module.globs.append(names[:-1])
                else:
                    module.imports[known] = names
                module.uses.append((found.start(2), names, bool(found.group(1))))

    @staticmethod
    def inline(code):
        return (found for found in MODULE.finditer(code) if found.group(3) == "{")

    def resolve(self, module, names, through, seen=frozenset(), own=False):
        """The module that defines what a path of a module names; None if it is another crate's. The modules that only hand the name on are
        added to `through`. `own`: an import does not name itself."""
        if (module, tuple(names), own) in seen or not names:
            return None
        seen = seen | {(module, tuple(names), own)}
        first = names[0]
        if first in ("crate", "$crate"):
            return self.inside(module[:1], names[1:], through, seen)
        if first == "self":
            return self.inside(module, names[1:], through, seen)
        if first == "super":
            return self.inside(module[:-1], names[1:], through, seen)
        if module + (first,) in self.modules:
            return self.inside(module + (first,), names[1:], through, seen)
        if not own and first in self.modules[module].imports:
            there = self.resolve(module, self.modules[module].imports[first], through, seen, own=True)
            if there and there[1] is None:
                return self.inside(there[0], names[1:], through, seen)
            return there
        if first == self.library and (first,) in self.modules:
            return self.inside((first,), names[1:], through, seen)
        return None

    def inside(self, module, names, through, seen):
        """(module, item) of a path from a module on; the item is None where the path names the module itself."""
        if not names:
            return module, None
        first, here = names[0], self.modules.get(module)
        if here is None:
            return None
        if first == "super":
            return self.inside(module[:-1], names[1:], through, seen)
        if module + (first,) in self.modules:
            return self.inside(module + (first,), names[1:], through, seen)
        if first in here.items:
            return module, first
        if first in here.imports:
            through.append(module)
            there = self.resolve(module, here.imports[first], through, seen, own=True)
            if there and there[1] is None:
                return self.inside(there[0], names[1:], through, seen)
            return there or (module, first)
        for glob in here.globs:
            on_the_way = [module]
            there = self.resolve(module, glob, on_the_way, seen, own=True)
            if there and there[1] is None and there[0] != module:
                found = self.inside(there[0], names[:1], on_the_way, seen)
                if found and (found[1] is None or found[1] in self.modules[found[0]].items):
                    through.extend(on_the_way)
                    return found
        return module, first

    def edges(self):
        """From file to file: the first line that makes it so."""
        edges = {}
        for module in self.modules.values():
            for position, names, public in module.uses:
                glob = names[-1] == "*"
                through = []
                there = self.resolve(module.path, names[:-1] if glob else names, through, own=True)
                if there is None or (there[1] is None and not glob):
                    continue  # A module's name alone: what is used of it counts, below.
                handed_on = self.handed_on(there[0]) if glob else ()
                for target in (there[0], *through, *handed_on):
                    if not (public and target[: len(module.path)] == module.path):
                        self.edge(edges, module, target, position)
            for found in PATH.finditer(USE.sub(lambda use: blank(use.group()), module.code)):
                through = []
                there = self.resolve(module.path, re.split(r"\s*::\s*", found.group()), through)
                if there and there[1] is not None:
                    for target in (there[0], *through):
                        self.edge(edges, module, target, found.start())
        return edges

    def handed_on(self, module):
        """The modules whose names a module hands on with `use`."""
        found = []
        for _, names, _ in self.modules[module].uses:
            if there := self.resolve(module, names[:-1] if names[-1] == "*" else names, found, own=True):
                found.append(there[0])
        return found

    def edge(self, edges, module, target, position):
        there = self.modules[target].file
        if there != module.file:
            line = module.code.count("\n", 0, position) + 1
            kept = edges.setdefault(module.file, {}).setdefault(there, line)
            edges[module.file][there] = min(kept, line)


def circles(edges):
    """The strongly connected components of more than one file."""
    reach = {}
    for start in edges:
        seen, todo = set(), list(edges[start])
        while todo:
            if (file := todo.pop()) not in seen:
                seen.add(file)
                todo.extend(edges.get(file, ()))
        reach[start] = seen
    found = []
    for file in sorted(reach):
        if file in reach[file] and not any(file in circle for circle in found):
            found.append([other for other in sorted(reach[file]) if file in reach.get(other, ())])
    return found


def crates(workspace):
    for path in tomllib.loads((workspace / "Cargo.toml").read_text())["workspace"]["members"]:
        package = tomllib.loads((workspace / path / "Cargo.toml").read_text())["package"]
        source = workspace / path / "src"
        roots = [source / "lib.rs", source / "main.rs", *sorted(source.glob("bin/*.rs"))]
        yield package["name"], [root for root in roots if root.exists()]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("crates", nargs="*", metavar="CRATE", help="only these crates [default: all]")
    arguments.add_argument("--allow", nargs="*", default=[], metavar="CRATE", help="their circles do not count")
    arguments.add_argument("--workspace", type=pathlib.Path, default=ROOT, metavar="FOLDER", help="another workspace than this one")
    arguments = arguments.parse_args()
    allowed = set(arguments.allow)
    failed = False
    for name, roots in crates(arguments.workspace):
        if arguments.crates and name not in arguments.crates:
            continue
        edges = Crate(name, roots).edges()
        for circle in circles(edges):
            failed |= name not in allowed
            print(f"{name}{' (allowed)' if name in allowed else ''}: {len(circle)} files import each other in a circle")
            for file in circle:
                for other in circle:
                    if line := edges[file].get(other):
                        print(f"    {file.relative_to(arguments.workspace)}:{line} uses {other.relative_to(arguments.workspace)}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
