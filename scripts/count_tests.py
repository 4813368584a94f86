"""Prints how many tests passed, failed and were skipped, names the latter two, and says what was missing for them.

    count_tests.py MESON_LOG JUNIT_XML

A unit test program counts as one, an end-to-end test too. With TIRO_TESTS_STRICT set, the exit status is 1 where
anything was missing. A test says "missing: WHAT" for that, in its output or as the reason of its skip.
"""
import json
import os
import re
import sys
import typing
import xml.etree.ElementTree as ElementTree

GROUPS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


class Test(typing.NamedTuple):
    name: str
    group: str
    said: str = ""  # of a skipped one: where it may say what is missing


def unit_tests(path: str) -> list[Test]:
    """A log that is missing says that the tests could not even start."""
    try:
        with open(path, encoding="utf-8") as log:
            tests = [json.loads(line) for line in log]
    except FileNotFoundError:
        return [Test("building the tests", "failed")]
    return [Test(test["name"], GROUPS.get(test["result"], "failed"), test.get("stdout", "")) for test in tests]


def end_to_end_tests(path: str) -> list[Test]:
    """The same from pytest's report."""
    try:
        cases = ElementTree.parse(path).iter("testcase")
    except (FileNotFoundError, ElementTree.ParseError):
        return [Test("starting the end-to-end tests", "failed")]
    found = []
    for case in cases:
        children = {child.tag: child for child in case}
        group = "failed" if children.keys() & {"failure", "error"} else "skipped" if "skipped" in children else "passed"
        said = children["skipped"].get("message", "") if group == "skipped" else ""
        found.append(Test(f"{case.get('classname')}.{case.get('name')}", group, said))
    return found


def main() -> None:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    missing = set()
    for test in unit_tests(sys.argv[1]) + end_to_end_tests(sys.argv[2]):
        counts[test.group] += 1
        if test.group == "skipped":
            missing |= set(re.findall(r"^missing: (.+)$", test.said, re.MULTILINE))
        if test.group != "passed":
            print(f"{test.group}: {test.name}")
    counted = ", ".join(f"{n} {group}" for group, n in counts.items())
    print(counted + (f"; missing here: {', '.join(sorted(missing))}" if missing else ""))
    sys.exit(1 if missing and os.environ.get("TIRO_TESTS_STRICT") else 0)


main()
