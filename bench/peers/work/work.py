"""What every request to /json costs, as in work.mjs; run as a program, it calibrates."""

import json
import os
import time

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "document.json")) as file:
    DOCUMENT = json.load(file)

ROUNDS = int(os.environ.get("WORK_ROUNDS", "1"))
ENCODER = json.JSONEncoder(separators=(",", ":"))


def work(rounds=ROUNDS):
    """Encodes the document many times; returns the last result."""
    text = ""
    for _ in range(rounds):
        text = ENCODER.encode(DOCUMENT)
    return text


def answer(path, worker):
    """The body and the type for a path, or None."""
    if path == "/hello":
        return "Hello, world!\n", "text/plain"
    if path == "/json":
        return work(), "application/json"
    if path == "/":
        return '{"pid":%d,"worker":%d}' % (os.getpid(), worker), "application/json"
    return None


def cost(rounds):
    """Processor time in seconds."""
    before = time.process_time()
    work(rounds)
    return time.process_time() - before


if __name__ == "__main__":
    count = 1000
    while cost(count) < 0.4:
        count *= 2
    print(max(1, round(count * 0.002 / cost(count))))
