"""No file, function or parameter list is larger than docs/style.md allows. Needs lizard (requirements.txt)."""
import sys

import lizard
import tree

FILE_TARGET = 400
FILE_MAX = 1000
FUNCTION_LINES_MAX = 80
COMPLEXITY_MAX = 15
TEST_COMPLEXITY_MAX = 25  # a test's table of cases is one switch
PARAMETERS_TARGET = 5
PARAMETERS_MAX = 7


def function_errors(path: str) -> list[str]:
    """What is too large about the functions of a file."""
    errors = []
    for function in lizard.analyze_file(path).function_list:
        where = f"{path}:{function.start_line}: {function.name}"
        if function.length > FUNCTION_LINES_MAX:
            errors.append(f"{where} has {function.length} lines, {FUNCTION_LINES_MAX} are allowed")
        complexity_max = TEST_COMPLEXITY_MAX if path.startswith("tests/") else COMPLEXITY_MAX
        if function.cyclomatic_complexity > complexity_max:
            errors.append(f"{where} has complexity {function.cyclomatic_complexity}, {complexity_max} is allowed")
        # The error that almost every function takes last is no choice of its author.
        parameters = [name for name in function.full_parameters if "struct err *" not in name]
        if PARAMETERS_TARGET < len(parameters) <= PARAMETERS_MAX:
            print(f"note: {where} has {len(parameters)} parameters beside err; aim at {PARAMETERS_TARGET}")
        if len(parameters) > PARAMETERS_MAX:
            errors.append(f"{where} has {len(parameters)} parameters beside err, {PARAMETERS_MAX} are allowed")
    return errors


def main() -> int:
    errors = []
    for path in tree.files("src/*.[ch]", "src/*.cc", "src/*.cpp", "tests/*.[ch]", "bench/*.[ch]", "*.py"):
        count = len(tree.lines(path))
        if count > FILE_MAX:
            errors.append(f"{path}: {count} lines, {FILE_MAX} are allowed")
        elif count > FILE_TARGET:
            print(f"note: {path} has {count} lines; consider cutting it at {FILE_TARGET}")
        if path.endswith((".c", ".cc", ".cpp")):
            errors += function_errors(path)
    return tree.report(errors)


sys.exit(main())
