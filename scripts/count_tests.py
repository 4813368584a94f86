"""Prints how many test programs passed, failed and were skipped, from Meson's log, and names the latter."""
import json
import sys

GROUPS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def log_lines(path: str) -> list[str]:
    """One line a test; a log that is missing says that the tests could not even start."""
    try:
        with open(path, encoding="utf-8") as log:
            return log.readlines()
    except FileNotFoundError:
        return ['{"name": "building the tests", "result": "FAIL"}']


def main() -> None:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for line in log_lines(sys.argv[1]):
        test = json.loads(line)
        group = GROUPS.get(test["result"], "failed")
        counts[group] += 1
        if group != "passed":
            print(f"{group}: {test['name']}")
    print(", ".join(f"{n} {group}" for group, n in counts.items()))


main()
