"""Writes the migrations as C text: migrations/NUMBER_NAME.sql, in the order of their numbers, which count up from 1.

    embed.py OUTPUT FILE...
"""
import os
import re
import sys

NAME = re.compile(r"(\d{4})_(\w+)\.sql")


def statements(sql: str) -> str:
    """The statements, which end with `;` at the end of a line, as C strings without comments and indentation."""
    kept = [line.strip() for line in sql.splitlines() if line.strip() and not line.strip().startswith("--")]
    found = [one.removesuffix(";").replace("\n", " ") for one in "\n".join(kept).split(";\n")]
    return "\n".join('\t\t"%s",' % one.replace("\\", "\\\\").replace('"', '\\"') for one in found)


def main() -> int:
    rows = []
    for number, path in enumerate(sorted(sys.argv[2:], key=os.path.basename), 1):
        found = NAME.fullmatch(os.path.basename(path))
        if not found or int(found[1]) != number:
            print(f"{path}: migrations are named NUMBER_NAME.sql and numbered without a gap", file=sys.stderr)
            return 1
        with open(path, encoding="ascii") as source:
            sql = statements(source.read())
        rows.append(f'\t{{ {number}, "{found[2]}", (const char *const[]){{\n{sql}\n\t\tNULL }} }},')
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write('/* Made by src/store/embed.py. */\n#include "store/migrate.h"\n\n')
        out.write("const struct migration migrations[] = {\n" + "\n".join(rows) + "\n};\n")
        out.write(f"const int migration_count = {len(rows)};\n")
    return 0


sys.exit(main())
