"""Prints how many tests passed, failed and were skipped, and names the latter two.

    count_tests.py MESON_LOG JUNIT_XML

A unit test program counts as one, an end-to-end test too.
"""
import json
import sys
import xml.etree.ElementTree as ElementTree

GROUPS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def unit_tests(path: str) -> list[tuple[str, str]]:
    """Name and group of each; a log that is missing says that the tests could not even start."""
    try:
        with open(path, encoding="utf-8") as log:
            tests = [json.loads(line) for line in log]
    except FileNotFoundError:
        return [("building the tests", "failed")]
    return [(test["name"], GROUPS.get(test["result"], "failed")) for test in tests]


def end_to_end_tests(path: str) -> list[tuple[str, str]]:
    """The same from pytest's report."""
    try:
        cases = ElementTree.parse(path).iter("testcase")
    except (FileNotFoundError, ElementTree.ParseError):
        return [("starting the end-to-end tests", "failed")]
    found = []
    for case in cases:
        children = {child.tag for child in case}
        group = "failed" if children & {"failure", "error"} else "skipped" if "skipped" in children else "passed"
        found.append((f"{case.get('classname')}.{case.get('name')}", group))
    return found


def main() -> None:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, group in unit_tests(sys.argv[1]) + end_to_end_tests(sys.argv[2]):
        counts[group] += 1
        if group != "passed":
            print(f"{group}: {name}")
    print(", ".join(f"{n} {group}" for group, n in counts.items()))


main()
