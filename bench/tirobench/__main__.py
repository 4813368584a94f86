"""bench/run: measures Tiro beside its peers and prints one table."""
import argparse
import datetime
import importlib
import sys

from . import machine, measure, paths
from .table import Table


# A part's function, by module: what a part needs is installed only where it is measured.
PARTS = {"speech": ("speech", "measure_all"), "pages": ("pages", "measure_all"), "memory": ("speech", "memory"),
         "http": ("http_room", "measure_all"), "server": ("server", "measure_all"), "queue": ("parts", "measure_all")}


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes: less audio, fewer pages and clips, once")
    parser.add_argument("--only", choices=tuple(PARTS), help="one part")
    parser.add_argument("--set", action="append", choices=("long", "longn", "longs"), default=[],
                        help="of speech only this recording (may be given several times)")
    parser.add_argument("--tool", action="append", default=[], metavar="NAME",
                        help="only tools with NAME in their names (may be given several times)")
    parser.add_argument("--repeat", type=int, default=0, help="runs of each tool (3; 1 with --quick)")
    parser.add_argument("--dry", action="store_true", help="do not append to bench/results")
    options = parser.parse_args()
    options.repeat = options.repeat or (1 if options.quick else 3)
    options.wants = lambda tool: not options.tool or any(name in tool for name in options.tool)
    options.say = lambda text: print(f"== {text}", file=sys.stderr, flush=True)
    return options


def main():
    options = arguments()
    table, before = Table(), machine.load()
    if not paths.TIRO.exists():
        table.notes.append("Tiro was not built: the table has its peers only")
    started = datetime.datetime.now(datetime.timezone.utc)
    for name, (module, function) in PARTS.items():
        if options.only not in (None, name) or (options.set and name != "speech"):
            continue
        try:
            getattr(importlib.import_module(f"tirobench.{module}"), function)(table, options)
        except measure.Failed as failure:
            table.notes.append(f"{name} stopped: {failure}")
        except KeyboardInterrupt:  # what was measured by then is told
            table.notes.append(f"{name} stopped: interrupted")
            break
    lines = [f"## {started:%Y-%m-%d %H:%M} UTC: {' '.join(['bench/run', *sys.argv[1:]])}", "", *machine.describe(options.only),
             f"- load before {before:.1f}, after {machine.load():.1f}", "", table.markdown()]
    text = "\n".join(lines)
    print(text)
    if not options.dry:
        paths.RESULTS.mkdir(parents=True, exist_ok=True)
        with open(paths.RESULTS / f"{started:%Y-%m-%d}.md", "a", encoding="utf-8") as f:
            f.write(text + "\n")
    return 1 if any(" stopped: " in note for note in table.notes) else 0


sys.exit(main())
