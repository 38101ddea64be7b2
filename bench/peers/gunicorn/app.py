"""The app for gunicorn, as WSGI."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "work"))

from work import answer  # noqa: E402


def app(environ, start_response):
    found = answer(environ["PATH_INFO"], 1)
    body, content_type = found or ("Not found\n", "text/plain")
    data = body.encode()
    start_response(
        "200 OK" if found else "404 Not Found",
        [("Content-Type", content_type), ("Content-Length", str(len(data)))],
    )
    return [data]
