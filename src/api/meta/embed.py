"""Writes the documents of the API as C: embed.py OUTPUT OPENAPI_JSON DOCS_HTML

The JSON loses its blanks. The page's one script and one style are named by their hashes in its policy, so that nothing else
runs in it.
"""
import base64
import hashlib
import json
import re
import sys


def array(text: str) -> str:
    """The bytes of a text as the members of an array, and a 0: literals of that length are not portable."""
    data = text.encode("utf-8") + b"\0"
    return "\n".join(",".join(str(c - 256 if c > 127 else c) for c in data[start:start + 30]) + "," for start in range(0, len(data), 30))


def policy(page: str) -> str:
    sources = []
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        found = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(found) == 1, f"the page must have one <{tag}>"
        digest = base64.b64encode(hashlib.sha256(found[0].encode("utf-8")).digest()).decode("ascii")
        sources.append(f"{directive} 'sha256-{digest}'")
    return ("default-src 'none'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
            + "; ".join(sources))


def main() -> None:
    output, openapi_path, page_path = sys.argv[1:]
    with open(openapi_path, encoding="utf-8") as file:
        openapi = json.dumps(json.load(file), ensure_ascii=False, separators=(",", ":"))
    with open(page_path, encoding="utf-8") as file:
        page = file.read()
    with open(output, "w", encoding="ascii") as out:
        out.write('#include "api/meta/meta.h"\n\n')
        for name, text in (("openapi", openapi), ("docs", page)):
            out.write(f"const char meta_{name}_text[] = {{\n{array(text)}\n}};\n")
            out.write(f"const unsigned long meta_{name}_len = sizeof meta_{name}_text - 1;\n")
        out.write(f"const char meta_docs_policy[] = {{\n{array(policy(page))}\n}};\n")


main()
