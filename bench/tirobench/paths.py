"""Where things are."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DEPS = ROOT / ".deps" / "bench"
RESULTS = ROOT / "bench" / "results"
BUILD = ROOT / "build"
WORK = Path(os.environ.get("TIRO_BENCH_WORK", ROOT / "build" / "bench"))
TIRO = Path(os.environ.get("TIRO_BENCH_PROGRAM", ROOT / "build" / "tiro"))
SAMPLES = Path(os.environ.get("TIRO_SAMPLES", ROOT.parent / "shared" / "samples"))
PYTHON = DEPS / "venv" / "bin" / "python"
WHISPER_CLI = DEPS / "whisper.cpp" / "bin" / "whisper-cli"
WHISPER_SERVER = DEPS / "whisper.cpp" / "bin" / "whisper-server"
GGML_MODEL = DEPS / "ggml-base.bin"
CT2_MODEL = DEPS / "base-ct2"
# What every machine has after set-up: the recording that comes with whisper.cpp's source.
OWN_RECORDING = ROOT / ".deps" / "whisper.cpp" / "bindings" / "go" / "samples" / "jfk.wav"
OWN_TEXT = ("And so my fellow Americans, ask not what your country can do for you, "
            "ask what you can do for your country.")
