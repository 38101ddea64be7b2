"""The app as uWSGI's worker override, with aiohttp on the inherited socket."""

import asyncio
import signal
import socket

from aiohttp import web

import uwsgi
from work import answer


async def handle(request):
    found = answer(request.path, uwsgi.worker_id())
    if found is None:
        return web.Response(status=404, text="Not found\n")
    body, content_type = found
    return web.Response(text=body, content_type=content_type)


async def main():
    stopped = asyncio.Event()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    for descriptor in uwsgi.sockets:
        listener = socket.socket(fileno=descriptor)
        await web.SockSite(runner, listener, shutdown_timeout=5).start()
    uwsgi.accepting()
    await stopped.wait()
    await runner.cleanup()


asyncio.run(main())
