#!/usr/bin/env python3
"""Complains about files of more than 600 lines and functions of more than 80. Tables are exempt: .def files, and what is
initialised from braces. Functions are found by their braces, which is good enough for code that clang-format has laid out."""
import re

import sources

FILE_LINES = 600
FUNCTION_LINES = 80

NOT_A_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|concept|extern)\b[^()]*$|^\s*TEST_CASE|^\s*SCENARIO")


def without_parentheses(text):
    """What stands outside all (), so that default arguments are not taken for initialisers."""
    out, depth = [], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if depth == 0:
            out.append(c)
    return "".join(out)


def opens_function(header):
    """Whether the brace after `header` (all since the last ; or brace) begins the body of a function."""
    header = re.sub(r"^\s*#.*$", "", header, flags=re.MULTILINE).strip()
    if "(" not in header or NOT_A_FUNCTION.search(header):
        return False
    outside = without_parentheses(header)
    return "operator" in header or not re.search(r"(?<![=!<>])=(?!=)", outside)


def functions(text):
    """(name, first line, lines) of each outermost function."""
    text = sources.without_comments_and_strings(text)
    stack = []  # for each open brace: the line where its function began, or None
    inside = 0  # braces of functions that are open
    line, start, start_line = 1, 0, 1
    for i, c in enumerate(text):
        if c == "\n":
            line += 1
        elif c == "{":
            header = text[start:i]
            is_function = inside == 0 and opens_function(header)
            stack.append((header, start_line) if is_function else None)
            inside += is_function
        elif c == "}":
            opened = stack.pop() if stack else None
            if opened:
                inside -= 1
                name = re.search(r"([~\w:]+)\s*\(", opened[0])
                yield (name.group(1) if name else "?"), opened[1], line - opened[1] + 1
        if c in "{};":
            start = i + 1
            start_line = line
        elif start == i and c.isspace():
            start, start_line = i + 1, line


def check(root):
    for path in sources.files(root, ["src", "include", "tests", "scripts", "cmake"], {".cpp", ".hpp", ".py", ".sh", ".cmake", ""}):
        place = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8", errors="replace")
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield f"{place}: {lines} lines, at most {FILE_LINES}"
        if path.suffix in sources.CPP and not place.startswith("tests/"):
            for name, first, count in functions(text):
                if count > FUNCTION_LINES:
                    yield f"{place}:{first}: {name}() has {count} lines, at most {FUNCTION_LINES}"


if __name__ == "__main__":
    sources.main(check)
