"""Libraries under the GPL are linked into the jails only (docs/dependencies.md).

    licences.py BUILD_FOLDER

A direct dependency of another program must be on the list; and nothing that any library brings along may be on the
list of known GPL libraries.
"""
import os
import re
import subprocess
import sys

import tree

PROGRAMS = ("tiro", "tiro-engine")
JAILS = ("tiro-jail-audio", "tiro-jail-pages")

# Direct dependencies of programs that are distributed under Apache-2.0.
ALLOWED = (
    "ld-linux-x86-64 libarchive libc libcrypto libcurl libgcc_s libjansson libleptonica liblept libm libpthread libseccomp libsodium libssl "
    "libstdc++ libtesseract libutf8proc libuv libz libzstd libcld2 libopenvino_c libopenvino libdl librt libqpdf libpq libsqlite3"
).split()

# In Debian 12 these are built under the GPL or link what is.
GPL = "libav libsw libpostproc libpoppler libx264 libx265 libxvid libreadline libfftw3 libgsl libcdio libsmbclient".split()


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(program: str) -> list[str]:
    """The libraries that the program itself names."""
    return re.findall(r"\(NEEDED\).*\[(.+?)\.so", run("readelf", "-d", program))


def closure(program: str) -> list[str]:
    """The libraries that are loaded with it."""
    return re.findall(r"^\s*(\S+?)\.so", run("ldd", program), re.MULTILINE)


def program_errors(path: str) -> list[str]:
    name = os.path.basename(path)
    errors = [f"{name} links {lib}: not on the list of scripts/lint/licences.py"
              for lib in needed(path) if lib not in ALLOWED]
    errors += [f"{name} loads {lib}, which is under the GPL" for lib in closure(path) if lib.startswith(tuple(GPL))]
    return errors


def main() -> int:
    errors = []
    build = sys.argv[1]
    for name in PROGRAMS + JAILS:
        path = os.path.join(build, name)
        if not os.path.exists(path):
            errors.append(f"{path} is not built")
        elif name in PROGRAMS:
            errors += program_errors(path)
    return tree.report(errors)


sys.exit(main())
