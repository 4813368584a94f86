"""Prints how many test programs passed, failed and were skipped, from Meson's log, and names the last two."""
import json
import sys

GROUPS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def main() -> None:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            group = GROUPS.get(test["result"], "failed")
            counts[group] += 1
            if group != "passed":
                print(f"{group}: {test['name']}")
    print(", ".join(f"{n} {group}" for group, n in counts.items()))


main()
