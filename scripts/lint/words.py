"""No function that is unsafe or beside the house's own, and no name of a place that only one machine has."""
import re
import sys

import tree

# What to use instead is in docs/style.md. Tests may start programs through a shell.
BANNED = (
    "alloca asctime atof atoi atol atoll bcopy bzero ctime gets gmtime localtime mktemp popen rand rindex sprintf "
    "srand strcat strcpy strerror strncat strncpy strtok system tempnam tmpfile tmpnam usleep vfork vsprintf"
).split()
TESTS_MAY = ("popen", "system")
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
COMMENT_OR_TEXT = re.compile(r"//.*|/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|^\s*/?\*.*")

# Kept in pieces, so that this file passes its own check.
HOSTS = (
    ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("debian", "org"),
    ("crates", "io"), ("golang", "org"), ("maven", "org"),
)
HOST = re.compile(r"\b(" + "|".join(r"\.".join(host) for host in HOSTS) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w./~-])/(work|root|home)/\w")


def main() -> int:
    errors = []
    for path in tree.files():
        code = path.endswith((".c", ".h", ".cc", ".cpp"))
        for number, line in enumerate(tree.lines(path), 1):
            where = f"{path}:{number}:"
            found = CALL.search(COMMENT_OR_TEXT.sub("", line)) if code else None
            if found and not (path.startswith("tests/") and found[1] in TESTS_MAY):
                errors.append(f"{where} {found[1]}() is banned")
            if line.startswith(("<" * 7 + " ", ">" * 7 + " ")):
                errors.append(f"{where} is what a merge left")
            if HOST.search(line):
                errors.append(f"{where} names the host of a package registry")
            if MACHINE_PATH.search(line):
                errors.append(f"{where} names a folder of one machine")
    return tree.report(errors)


sys.exit(main())
