"""Every room has its README.md, and links between the documents lead somewhere."""
import os
import re
import sys

import tree

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def main() -> int:
    errors = []
    rooms = {path.split("/")[1] for path in tree.files("src/*.c")}
    for room in sorted(rooms):
        if not os.path.exists(f"src/{room}/README.md"):
            errors.append(f"src/{room}: has no README.md")
    for path in tree.files("*.md"):
        for number, line in enumerate(tree.lines(path), 1):
            for target in LINK.findall(line):
                if "://" in target or target.startswith("mailto:"):
                    continue
                if not os.path.exists(os.path.join(os.path.dirname(path), target)):
                    errors.append(f"{path}:{number}: the link to {target} leads nowhere")
    return tree.report(errors)


sys.exit(main())
