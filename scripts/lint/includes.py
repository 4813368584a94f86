"""Rooms use only rooms that come before them, and each foreign library is included only where it may be.

The order of ROOMS and the table of LIBRARIES are the rules; docs/architecture.md says why.
"""
import fnmatch
import re
import sys

import tree

ROOMS = (
    "base telemetry http store blob process infer models media asr ocr jail engine accounts files jobs guard api cli"
).split()

# Header pattern: the places that may include it. A foreign header that is not listed is an error.
LIBRARIES = {
    "cld2/*": ["src/ocr/*", "src/asr/*"],
    "archive*.h": ["src/models/*"],
    "cairo*": ["src/media/*", "tests/tools/*"],
    "fontconfig/*": ["src/media/*"],
    "cmocka.h": ["tests/*"],
    "curl/*": ["src/http/*", "src/blob/s3*"],
    "ggml*.h": ["src/asr/whisper*", "src/models/*"],
    "gguf.h": ["src/models/*"],
    "glib*": ["src/media/*"],
    "jansson.h": ["src/accounts/*", "src/models/*", "src/http/*", "src/api/*", "tests/*"],
    "libpq-fe.h": ["src/store/*"],
    "leptonica/*": ["src/ocr/*", "src/media/*", "tests/*"],
    "llhttp.h": ["src/http/*"],
    "libav*": ["src/media/*"],
    "libswresample/*": ["src/media/*"],
    "openssl/*": ["src/base/*", "src/http/*", "src/blob/*", "src/models/*", "tests/*"],
    "openvino/*": ["src/infer/*"],
    "pango/*": ["tests/tools/*"],
    "poppler*": ["src/media/*"],
    "qpdf/*": ["src/media/*"],
    "sanitizer/*": ["tests/*"],
    "seccomp.h": ["src/process/*"],
    "sqlite3.h": ["src/store/*"],
    "sodium.h": ["src/blob/*", "src/accounts/*", "tests/*", "bench/*"],
    "tesseract/*": ["src/ocr/*"],
    "utf8proc.h": ["src/accounts/*", "src/base/*", "src/asr/*", "src/ocr/*", "src/jail/*", "tests/*"],
    "uv.h": [f"src/{room}/*" for room in ("files", "http", "store", "process", "models", "jail", "engine", "jobs", "api", "cli")] + ["tests/*"],
    "whisper.h": ["src/asr/whisper*", "tests/unit/asr/test_whisper*"],
    "zlib.h": ["src/models/*", "src/asr/*", "src/ocr/*", "src/media/*", "src/http/*", "tests/*"],
    "zstd.h": ["src/blob/*"],
}

# Headers of C, POSIX and Linux, which any room may include, and of C++ where a library offers nothing else.
SYSTEM = set(
    "assert complex ctype dirent dlfcn elf endian errno fcntl fenv fnmatch float ftw getopt glob inttypes "
    "langinfo libgen limits link locale malloc math netdb poll pthread pwd sched setjmp signal spawn stdalign stdarg "
    "stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings sysexits syslog termios threads "
    "time uchar unistd utime wchar wctype".split()
)
SYSTEM_FOLDERS = ("sys/", "linux/", "netinet/", "arpa/", "net/", "asm/")
CPLUSPLUS = set(
    "algorithm array atomic cstddef cstdint cstdio cstdlib cstring exception functional map memory new set "
    "stdexcept string string_view utility vector".split()
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def foreign_error(path: str, header: str) -> str | None:
    """Says why `path` may not include the foreign `header`, or None."""
    if header.removesuffix(".h") in SYSTEM or header.startswith(SYSTEM_FOLDERS):
        return None
    if path.endswith((".cc", ".cpp")) and header in CPLUSPLUS:
        return None
    for pattern, places in LIBRARIES.items():
        if fnmatch.fnmatch(header, pattern):
            if any(fnmatch.fnmatch(path, place) for place in places):
                return None
            return f"<{header}> is only for {', '.join(places)}"
    return f"<{header}> is no known library: add it to the table in scripts/lint/includes.py"


def own_error(path: str, header: str) -> str | None:
    """Says why `path` may not include our own `header`, or None."""
    if not path.startswith("src/"):
        return None
    room = path.split("/")[1]
    other = header.split("/")[0]
    if "/" not in header or other not in ROOMS:
        return f'"{header}" is no room\'s header: write "room/file.h"'
    if ROOMS.index(other) > ROOMS.index(room):
        return f'"{header}": {room} comes before {other} and may not use it'
    if header.endswith("_priv.h") and other != room:
        return f'"{header}" is private to {other}'
    return None


def main() -> int:
    errors = []
    for path in tree.files("src/*.[ch]", "src/*.cc", "src/*.cpp", "tests/*.[ch]"):
        room = path.split("/")[1]
        if path.startswith("src/") and room not in ROOMS:
            errors.append(f"{path}: {room} is no room")
            continue
        for number, line in enumerate(tree.lines(path), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            check = foreign_error if found[1] == "<" else own_error
            message = check(path, found[2])
            if message:
                errors.append(f"{path}:{number}: {message}")
    return tree.report(errors)


sys.exit(main())
