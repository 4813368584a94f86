"""The table that the bench prints, and the goals under it."""
import statistics
from dataclasses import dataclass, field


@dataclass
class Row:
    """What one tool did with one task, over all repetitions."""
    task: str
    tool: str
    amount: float  # seconds of audio, or pages
    unit: str  # of the speed: "x real time" or "pages/min"
    work_s: list = field(default_factory=list)  # what the speed is taken from
    runs: list = field(default_factory=list)  # measure.Run
    scores: list = field(default_factory=list)

    def seconds(self):
        return statistics.median(self.work_s)

    def speed(self):
        return self.amount / self.seconds() * (60 if self.unit == "pages/min" else 1)

    def errors(self):
        return statistics.median(score.percent for score in self.scores)

    def peak_mb(self):
        return max(run.peak_mb for run in self.runs)

    def first_s(self):
        return statistics.median(run.first_s for run in self.runs)

    def of_runs(self):
        """CPU seconds, peak and first output as texts; nothing where only the time was taken."""
        if not self.runs:
            return ["", "", ""]
        return [f"{self.cpu_s():.1f}", f"{self.peak_mb():.0f}", f"{self.first_s():.1f}"]

    def cpu_s(self):
        """Of one repetition."""
        return sum(run.cpu_s for run in self.runs) / len(self.work_s)


class Table:
    def __init__(self):
        self.rows = []
        self.goals = []  # (text, figure, met or None)
        self.notes = []

    def add(self, row):
        self.rows.append(row)
        return row

    def find(self, task, tool):
        return next((row for row in self.rows if (row.task, row.tool) == (task, tool) and row.work_s), None)

    def goal(self, text, figure, met):
        self.goals.append((text, figure, met))

    def ratio(self, row):
        """How many times as fast Tiro is."""
        ours = self.find(row.task, "tiro") or self.find(row.task, "tiro fast")
        if not ours or row.tool.startswith("tiro"):
            return ""
        return f"{row.seconds() / row.amount / (ours.seconds() / ours.amount):.2f}"

    def line(self, row):
        spread = f" ({min(row.work_s):.2f})" if len(row.work_s) > 1 else ""
        errors = f"{row.errors():.1f}" if row.scores else ""
        return [row.task, row.tool, f"{row.seconds():.2f}{spread}", f"{row.speed():.1f} {row.unit}",
                *row.of_runs(), errors, self.ratio(row)]

    def markdown(self):
        head = ["task", "tool", "seconds, median (least)", "speed", "CPU s", "peak MB", "first output s", "errors %",
                "Tiro is x as fast"]
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += ["| " + " | ".join(self.line(row)) + " |" for row in self.rows if row.work_s]
        if self.goals:
            lines += ["", "| goal | measured | |", "|---|---|---|"]
            words = {True: "met", False: "**not met**", None: "not measured"}
            lines += [f"| {text} | {figure} | {words[met]} |" for text, figure, met in self.goals]
        return "\n".join(lines + [""] + [f"- {note}" for note in self.notes]) + "\n"
