#!/usr/bin/env python3
"""The documents that explain the code name files and functions in backticks; complains about those that are not there.

`net/worker` stands for the files of that name in the module; `decide_reuse()` or `Listener::drain()` for a function of that name.
"""
import re

import sources

DOCUMENTS = ["docs/architecture.md", "docs/life-of-a-request.md", "docs/glossary.md"]

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TICKED = re.compile(r"`([^`\n]+)`")
FUNCTION = re.compile(r"^(?:[A-Za-z_]\w*(?:::|\.|->))*~?([A-Za-z_]\w*)\(.*\)$")
PATH = re.compile(r"^[\w.-]+(?:/[\w.*-]+)*/?$")
FILE_SUFFIX = re.compile(r"\.(cpp|hpp|def|md|cmake|py|sh|yaml|yml|json|service|txt)$")


def path_exists(root, modules, name):
    """True, False, or None when the text is no path of the project."""
    first = name.split("/")[0]
    if "/" not in name:
        if not FILE_SUFFIX.search(name):
            return None
        return bool([p for p in root.rglob(name) if not sources.SKIPPED_FOLDERS.intersection(p.relative_to(root).parts)])
    in_module = first in modules
    if not in_module and not (root / first).exists():
        return False if FILE_SUFFIX.search(name) else None
    places = [root / name]
    if in_module:
        places += [root / "include/freshet" / name, root / "src" / name]
    for place in places:
        pattern = place.name
        if place.exists() or (place.parent.is_dir() and (any(place.parent.glob(pattern)) or any(place.parent.glob(pattern + ".*")))):
            return True
    return False


def check(root):
    code = sources.files(root, ["src", "include"], {".cpp", ".hpp", ".def"})
    identifiers = set()
    for path in code:
        identifiers.update(re.findall(r"\b[A-Za-z_]\w*(?=\s*[(<])", path.read_text(encoding="utf-8")))
    modules = {path.name for path in (root / "include/freshet").iterdir()} | {path.name for path in (root / "src").iterdir()}
    for document in DOCUMENTS:
        if not (root / document).is_file():
            yield f"{document}: missing"
            continue
        text = FENCE.sub(lambda m: "\n" * m.group().count("\n"), (root / document).read_text(encoding="utf-8"))
        for match in TICKED.finditer(text):
            name = match.group(1)
            line = text.count("\n", 0, match.start()) + 1
            function = FUNCTION.match(name)
            if function and not name.startswith("std::"):
                if function.group(1) not in identifiers:
                    yield f"{document}:{line}: there is no function {name}"
            elif PATH.match(name) and path_exists(root, modules, name) is False:
                yield f"{document}:{line}: there is no file {name}"


if __name__ == "__main__":
    sources.main(check)
