"""What the style checks share: the files of the project and a look at C++ without comments and strings."""
import pathlib
import re
import sys

CPP = {".cpp", ".hpp"}
SKIPPED_FOLDERS = {"build", ".git", ".cache", "node_modules", "corpus", "__pycache__"}


def files(root, folders, suffixes=None):
    """All files below root/<folder>, sorted; suffixes such as {".cpp"}, or all."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            skipped = SKIPPED_FOLDERS.intersection(path.relative_to(root).parts)
            if path.is_file() and not skipped and (suffixes is None or path.suffix in suffixes):
                found.append(path)
    return found


_LITERALS = re.compile(
    r"""//[^\n]*"""
    r"""|/\*.*?\*/"""
    r"""|R"(?P<tag>[^()\\ ]{0,16})\(.*?\)(?P=tag)\""""
    r"""|"(?:\\.|[^"\\\n])*\""""
    r"""|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL)


def without_comments_and_strings(text):
    """The text with comments, string and character literals blanked out; line breaks stay where they are."""
    return _LITERALS.sub(lambda m: '""' + "\n" * m.group().count("\n") if m.group()[0] in "\"R" else
                         "\n" * m.group().count("\n"), text)


def main(check):
    """Runs check(root), which yields complaints, and ends the program with 1 when there are any."""
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    complaints = list(check(root))
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)
