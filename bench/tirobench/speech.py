"""Recordings through Tiro and its peers: speed, memory, word errors."""
import http.client
import json
import os
import re
import socket
import subprocess
import time

from . import measure, paths, recordings, score
from .table import Row

TIMES = re.compile(r"^\[[0-9:.]+ --> [0-9:.]+\]\s*", re.M)
XRT = "x real time"
PEER_CLI, PEER_BEAM = "whisper.cpp CLI", "faster-whisper int8, beam 5"
PEER_BATCHED = "faster-whisper int8, batches of 8"
PEER_SERVER = "whisper.cpp server"
START_S = 60  # until the server answers


def tiro(rec):
    run = measure.run([paths.TIRO, "transcribe", "-m", "base", "-l", rec.language, "-f", "json", rec.path])
    return run, json.loads(run.stdout)["text"], run.wall_s


def whisper_cli(rec):
    run = measure.run([paths.WHISPER_CLI, "-m", paths.GGML_MODEL, "-l", rec.language, "-f", rec.path])
    return run, TIMES.sub("", run.stdout), run.wall_s


def faster_whisper(mode):
    script = paths.ROOT / "bench" / "tirobench" / "fw.py"

    def transcribe(rec):
        run = measure.run([paths.PYTHON, script, mode, paths.CT2_MODEL, rec.language, os.cpu_count(), rec.path])
        answer = json.loads(run.stdout)
        return run, answer["text"], run.wall_s - answer["load_s"]

    return transcribe


def tools(options, *names):
    """The tools by name; `names`: only these."""
    found = {"tiro": tiro} if paths.TIRO.exists() else {}
    found |= {PEER_CLI: whisper_cli, PEER_BEAM: faster_whisper("sequential"), PEER_BATCHED: faster_whisper("batched")}
    return {name: tool for name, tool in found.items() if options.wants(name) and name in (names or found)}


def once(row, tool, rec):
    run, text, work_s = tool(rec)
    row.runs.append(run)
    row.work_s.append(work_s)
    row.scores.append(score.words(rec.text, text, rec.language))


def long_recordings(table, options):
    chosen = tools(options)
    recs = [rec for rec in recordings.long_set(60 if options.quick else recordings.LONG_S)
            if not options.set or rec.name in options.set]
    warm = recordings.short_clip()
    for tool in chosen.values():
        tool(warm)
    rows = {(rec.name, name): table.add(Row(f"{rec.name}, {rec.seconds:.0f} s", name, rec.seconds, XRT))
            for rec in recs for name in chosen}
    # One tool after the other, again and again: what disturbs the machine disturbs all.
    for _ in range(options.repeat):
        for rec in recs:
            for name, tool in chosen.items():
                options.say(f"{rec.name}: {name}")
                once(rows[rec.name, name], tool, rec)
    for rec in recs:
        long_goals(table, f"{rec.name}, {rec.seconds:.0f} s")


def long_goals(table, task):
    ours = table.find(task, "tiro")
    for peer, factor in ((PEER_CLI, 4.5), (PEER_BATCHED, 1.5)):
        theirs = table.find(task, peer)
        text = f"{task}: {factor} times as fast as {peer}"
        if ours and theirs:
            ratio = theirs.seconds() / ours.seconds()
            table.goal(text, f"{ratio:.2f}", ratio >= factor)
        else:
            table.goal(text, "", None)
    if not ours:
        return
    peers = [row.errors() for row in table.rows if row.task == task and row.tool != "tiro"]
    table.goal(f"{task}: at most 0.3 points more word errors than the best peer",
               f"{ours.errors():.2f} % and {min(peers):.2f} %" if peers else f"{ours.errors():.2f} %",
               ours.errors() <= min(peers) + 0.3 if peers else None)
    table.goal(f"{task}: peak memory at most 400 MB", f"{ours.peak_mb():.0f} MB", ours.peak_mb() <= 400)


class Server:
    """whisper.cpp's server on a free port of this machine."""

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [paths.WHISPER_SERVER, "-m", paths.GGML_MODEL, "--host", "127.0.0.1", "--port", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.1)
        self.__exit__()
        raise measure.Failed("whisper.cpp's server did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", "rb") as f:
            fields = f.read().rsplit(b")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def transcribe(self, rec):
        parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                 for name, value in (("language", rec.language), ("response_format", "json"))]
        parts += [b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n',
                  rec.path.read_bytes(), b"\r\n--B--\r\n"]
        start, cpu = time.monotonic(), self.cpu_s()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request("POST", "/inference", b"".join(parts),
                           {"Content-Type": "multipart/form-data; boundary=B"})
        response = connection.getresponse()
        body = response.read()
        wall_s = time.monotonic() - start
        connection.close()
        if response.status != 200:
            raise measure.Failed(f"whisper.cpp's server answered {response.status}")
        peak_mb = measure.pss_kb(self.process.pid) / 1024
        run = measure.Run(["server"], 0, wall_s, self.cpu_s() - cpu, peak_mb, wall_s, "", "")
        return run, json.loads(body)["text"], wall_s


def short_clip(table, options):
    rec = recordings.short_clip()
    task = f"short clip, {rec.seconds:.0f} s"
    with Server() as server:
        chosen = tools(options, "tiro", PEER_CLI)
        if options.wants(PEER_SERVER):
            chosen[PEER_SERVER] = server.transcribe
        rows = {name: table.add(Row(task, name, rec.seconds, XRT)) for name in chosen}
        for tool in chosen.values():
            tool(rec)
        for _ in range(max(options.repeat, 3)):
            for name, tool in chosen.items():
                options.say(f"{task}: {name}")
                once(rows[name], tool, rec)
    ours, theirs = table.find(task, "tiro"), table.find(task, PEER_SERVER)
    ratio = theirs.seconds() / ours.seconds() if ours and theirs else None
    table.goal(f"{task}: 1.7 times as fast as {PEER_SERVER}", f"{ratio:.2f}" if ratio else "",
               ratio >= 1.7 if ratio else None)


def languages(table, options):
    """Each clip on its own, its language given; a row has all clips of a language."""
    chosen = tools(options, "tiro", PEER_CLI)
    for language, recs in sorted(recordings.by_language(2 if options.quick else 100).items()):
        task = f"{language}, {len(recs)} clips"
        seconds = sum(rec.seconds for rec in recs)
        for name, tool in chosen.items():
            options.say(f"{task}: {name}")
            row = table.add(Row(task, name, seconds, XRT))
            results = [(rec, *tool(rec)) for rec in recs]
            row.runs = [run for _, run, _, _ in results]
            row.work_s = [sum(work_s for _, _, _, work_s in results)]
            scores = [score.words(rec.text, text, language) for rec, _, text, _ in results]
            row.scores = [sum(scores, score.Score(0, 0))]
        language_goal(table, task)


def language_goal(table, task):
    text = f"{task}: not worse than {PEER_CLI} by more than 1 point or 3 words"
    ours, theirs = table.find(task, "tiro"), table.find(task, PEER_CLI)
    if not ours or not theirs:
        table.goal(text, "", None)
        return
    allowed = theirs.scores[0].errors + max(theirs.scores[0].total / 100, 3)
    table.goal(text, f"{ours.scores[0].errors} and {theirs.scores[0].errors} of {theirs.scores[0].total}",
               ours.scores[0].errors <= allowed)


def without_speech(table, options):
    """What has no speech must have no words; here an error is a word, not a share."""
    recs = recordings.without_speech()
    text = f"{len(recs)} recordings without speech: no words"
    counts = {}
    for name, tool in tools(options, "tiro", PEER_CLI).items():
        options.say(f"{len(recs)} recordings without speech: {name}")
        counts[name] = sum(len(tool(rec)[1].split()) for rec in recs)
    figure = ", ".join(f"{name} {count}" for name, count in counts.items())
    table.goal(text, figure, counts["tiro"] == 0 if "tiro" in counts else None)


def memory(table, options):
    """Two minutes against two hours: memory must not grow, and words must come at once."""
    if not paths.TIRO.exists():
        table.goal("two hours in the memory of two minutes and 32 MiB", "", None)
        return
    rows = []
    for name, seconds in (("two minutes", 120), ("20 minutes" if options.quick else "two hours",
                                                  1200 if options.quick else 7200)):
        rec = recordings.of_length(name.replace(" ", "-"), seconds)
        options.say(f"{name}: tiro")
        row = table.add(Row(name, "tiro", rec.seconds, XRT))
        run = measure.run([paths.TIRO, "transcribe", "-m", "base", "-l", "en", rec.path])
        row.runs, row.work_s = [run], [run.wall_s]
        rows.append(row)
    grown = rows[1].peak_mb() - rows[0].peak_mb()
    table.goal(f"{rows[1].task} in the memory of two minutes and 32 MiB", f"{grown:+.0f} MiB", grown <= 32)
    table.goal(f"{rows[1].task}: first words within 5 s", f"{rows[1].first_s():.1f} s", rows[1].first_s() <= 5)


def measure_all(table, options):
    long_recordings(table, options)
    if not options.set:
        short_clip(table, options)
        languages(table, options)
        without_speech(table, options)
