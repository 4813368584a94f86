"""Every header compiles alone and has the guard that its place asks for.

    headers.py BUILD_FOLDER      (its compile_commands.json tells where libraries' headers are)
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

import tree


def include_flags(build: str) -> list[str]:
    """All -I and -isystem flags of the build, absolute, without our own folders."""
    flags = {}
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as commands:
        for entry in json.load(commands):
            for word in shlex.split(entry["command"]):
                for prefix in ("-I", "-isystem"):
                    if word.startswith(prefix):
                        path = os.path.join(entry["directory"], word.removeprefix(prefix))
                        flags["-isystem" + os.path.normpath(path)] = None
    return list(flags)


def compile_error(header: str, flags: list[str]) -> str | None:
    """What gcc says to a file that includes only this header, or None."""
    command = ["gcc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Isrc", *flags,
               "-fsyntax-only", "-x", "c", "-"]
    source = f'#include "{header.removeprefix("src/")}"\n'
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"{header}: does not compile alone:\n{done.stderr}"


def guard_error(header: str) -> str | None:
    """Says that the guard is missing or named after another place."""
    guard = "TIRO_" + re.sub(r"\W", "_", header.removeprefix("src/")).upper()
    text = tree.lines(header)
    if f"#ifndef {guard}" in text and f"#define {guard}" in text:
        return None
    return f"{header}: the include guard is not {guard}"


def main() -> int:
    flags = include_flags(sys.argv[1])
    headers = tree.files("src/*.h")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda header: compile_error(header, flags), headers))
    found += [guard_error(header) for header in headers]
    return tree.report([error for error in found if error])


sys.exit(main())
