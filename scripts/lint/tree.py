"""What the checks share: the files of the tree, and reporting."""
import subprocess


def files(*patterns: str) -> list[str]:
    """Files of the tree that match, tracked or new, but not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", *patterns]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def lines(path: str) -> list[str]:
    """The lines of a text file; none where it is binary or gone."""
    try:
        with open(path, encoding="utf-8") as source:
            return source.read().splitlines()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []


def report(errors: list[str]) -> int:
    """Prints the errors; the exit status."""
    for error in errors:
        print(error)
    return 1 if errors else 0
