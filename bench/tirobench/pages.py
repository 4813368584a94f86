"""Page images through Tiro and its peers: pages a minute and character errors."""
import json
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass

from . import measure, paths, score
from .table import Row

PPM = "pages/min"
TESSERACT = {"en": "eng", "de": "deu", "fr": "fra", "it": "ita", "es": "spa", "ru": "rus", "fa": "fas", "ar": "ara",
             "zh": "chi_sim"}
SERIAL, DEFAULTS, OCRMYPDF = "tesseract, one thread", "tesseract, defaults", "OCRmyPDF, 2 jobs of one thread"
ONE_THREAD = {"OMP_THREAD_LIMIT": "1"}
FAST, HIGH = "tiro fast", "tiro high_accuracy"
TURNED = ("r90", "r180", "r270")
DEFAULT_PAGES = 6  # with its own threads tesseract can be ten times as slow


@dataclass(frozen=True)
class Page:
    path: object
    language: str
    text: str
    turned: bool
    receipt: bool  # a real one; scored without case, as the samples' scorer does


def pages(most=None):
    """Single pages in one language, in the manifest's order; `most` spread over it."""
    folder = paths.SAMPLES / "ocr"
    if not (folder / "manifest.json").exists():
        return []
    found = []
    for entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8")):
        path = folder / entry["file"]
        if entry["lang"] not in TESSERACT or entry["degradation"] == "multi-page":
            continue
        text = path.with_name(path.name.rsplit(".", 1)[0] + ".gt.txt").read_text(encoding="utf-8")
        found.append(Page(path, entry["lang"], text, entry["degradation"] in TURNED,
                          entry["layout"] == "receipt" and entry["degradation"] == "real"))
    return found[::max(1, len(found) // most)][:most] if most else found


def languages(chosen):
    grouped = defaultdict(list)
    for page in chosen:
        grouped[page.language].append(page)
    return grouped


def tesseract(env):
    def read(chosen):
        runs = [measure.run(["tesseract", page.path, "-", "--psm", "3", "-l", TESSERACT[page.language]], env)
                for page in chosen]
        return runs, [run.stdout for run in runs]

    return read


def as_pdf(language, group):
    """One PDF of the pages of a language, with the interpreter that OCRmyPDF's own img2pdf belongs to."""
    path = paths.WORK / f"pages-{language}.pdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(shutil.which("ocrmypdf"), encoding="utf-8") as f:
        python = f.readline()[2:].split()[0]
    subprocess.run([python, "-m", "img2pdf", "--output", path, *(page.path for page in group)], check=True,
                   stderr=subprocess.DEVNULL)
    return path


def ocrmypdf(chosen):
    runs, texts = [], {}
    for language, group in languages(chosen).items():
        source, sidecar = as_pdf(language, group), paths.WORK / f"pages-{language}.txt"
        runs.append(measure.run(["ocrmypdf", "--quiet", "--jobs", "2", "-l", TESSERACT[language], "--sidecar",
                                 sidecar, source, paths.WORK / f"pages-{language}-ocr.pdf"], ONE_THREAD))
        parts = sidecar.read_text(encoding="utf-8").split("\f")
        texts |= dict(zip(group, parts))
    return runs, [texts.get(page, "") for page in chosen]


def tiro(mode):
    def read(chosen):
        folder = paths.WORK / f"tiro-{mode}"
        shutil.rmtree(folder, ignore_errors=True)
        runs = [measure.run([paths.TIRO, "ocr", "-m", mode, "-l", language, "-f", "raw", "-o", f"{folder}/",
                             *(page.path for page in group)])
                for language, group in languages(chosen).items()]
        return runs, [(folder / f"{page.path.stem}.txt").read_text(encoding="utf-8") for page in chosen]

    return read


def total(chosen, texts, wanted=lambda page: True):
    scores = [score.characters(page.text, text, page.language, page.receipt)
              for page, text in zip(chosen, texts) if wanted(page)]
    return sum(scores, score.Score(0, 0))


def once(row, read, chosen):
    runs, texts = read(chosen)
    row.runs += runs
    row.work_s.append(sum(run.wall_s for run in runs))
    row.scores.append(total(chosen, texts))
    return texts


def measure_all(table, options):
    chosen = pages(6 if options.quick else None)
    if not chosen:
        table.notes.append("no page samples: pages were not measured")
        return
    task = f"{len(chosen)} pages"
    tools = {SERIAL: tesseract(ONE_THREAD), OCRMYPDF: ocrmypdf}
    if paths.TIRO.exists():
        tools = {FAST: tiro("fast"), HIGH: tiro("high_accuracy")} | tools
    tools = {name: read for name, read in tools.items() if options.wants(name)}
    rows = {name: table.add(Row(task, name, len(chosen), PPM)) for name in tools}
    texts = {}
    for read in tools.values():  # what is on disk comes into memory
        read(chosen[:1])
    for _ in range(1 if options.quick else options.repeat):
        for name, read in tools.items():
            options.say(f"{task}: {name}")
            texts[name] = once(rows[name], read, chosen)
    if options.wants(DEFAULTS):
        few = pages(DEFAULT_PAGES)
        options.say(f"{len(few)} pages: {DEFAULTS}")
        once(table.add(Row(task, DEFAULTS, len(few), PPM)), tesseract({}), few)
    goals(table, task, chosen, texts)


def goals(table, task, chosen, texts):
    fast, high, serial = (table.find(task, name) for name in (FAST, HIGH, SERIAL))
    for peer in (SERIAL, OCRMYPDF):
        theirs = table.find(task, peer)
        ratio = fast.speed() / theirs.speed() if fast and theirs else None
        table.goal(f"{task}: {FAST} 1.7 times the pages of {peer}", f"{ratio:.2f}" if ratio else "",
                   ratio >= 1.7 if ratio else None)
    for name, row, part, word in ((FAST, fast, 2, "half"), (HIGH, high, 4, "a quarter")):
        both = row and serial
        table.goal(f"{task}: {name} at most {word} of tesseract's errors",
                   f"{row.errors():.2f} % and {serial.errors():.2f} %" if both else "",
                   row.errors() <= serial.errors() / part if both else None)
    for word, most, wanted in (("turned pages", 2, lambda p: p.turned), ("real receipts", 6, lambda p: p.receipt)):
        percent = total(chosen, texts[HIGH], wanted).percent if high and any(map(wanted, chosen)) else None
        table.goal(f"{word}: {HIGH} at most {most} % errors", "" if percent is None else f"{percent:.2f} %",
                   None if percent is None else percent <= most)
