"""faster-whisper as its README shows it, int8: one file, one line of JSON.

    python fw.py sequential|batched MODEL_FOLDER LANGUAGE THREADS FILE

"load_s" is the time that importing and loading took: the bench takes it off, as a service would pay it once.
"""
import json
import sys
import time

start = time.monotonic()
from faster_whisper import BatchedInferencePipeline, WhisperModel  # noqa: E402

mode, folder, language, threads, path = sys.argv[1:]
model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=int(threads))
pipeline, options = model, {"beam_size": 5}
if mode == "batched":
    pipeline, options = BatchedInferencePipeline(model=model), {"batch_size": 8}
load_s = time.monotonic() - start
segments, _ = pipeline.transcribe(path, language=language, **options)
text = " ".join(segment.text.strip() for segment in segments)
print(json.dumps({"text": text, "load_s": load_s}))
