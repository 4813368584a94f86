"""Celery as a peer of the queue's bench; README.md beside this file says what a peer does. TIRO_BENCH_BROKER names Redis,
TIRO_BENCH_FILE the file of times."""
import os
import struct
import sys
import time

from celery import Celery

app = Celery(broker=os.environ["TIRO_BENCH_BROKER"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=100, worker_hijack_root_logger=False,
                broker_connection_retry_on_startup=True)
notes = os.open(os.environ["TIRO_BENCH_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@app.task(name="note")
def note(at):
    os.write(notes, struct.pack("<d", (time.time() - at) * 1e3))


def fill(count):
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(count):
            note.apply_async((time.time(),), producer=producer)


def publish(count, per_second):
    due = time.time()
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(count):
            due += 1 / per_second
            time.sleep(max(0, due - time.time()))
            note.apply_async((time.time(),), producer=producer)


def work():
    """Four processes, without the messages that workers send each other."""
    app.worker_main(["worker", "-c", "4", "-P", "prefork", "-l", "ERROR", "--without-gossip", "--without-mingle",
                     "--without-heartbeat"])


if __name__ == "__main__":
    command, *numbers = sys.argv[1:]
    {"fill": fill, "publish": publish, "work": work}[command](*(int(number) for number in numbers))
