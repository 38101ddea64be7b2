/**
 * The example of uWSGI's WorkerOverride page, for Deno: HTTP and WebSockets on every shared socket, and
 * a way of leaving that the script decides itself.
 */

import uwsgi from "uwsgi";

function handle(request: Request): Response {
  if (new URL(request.url).pathname === "/ws") return echo(request);
  return new Response(`Hello from worker ${uwsgi.worker_id()} (pid ${Deno.pid})\n`);
}

function echo(request: Request): Response {
  if (request.headers.get("upgrade") !== "websocket") {
    return new Response("This is a WebSocket\n", {
      status: 426,
      headers: { upgrade: "websocket" },
    });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = ({ data }) => socket.send(`worker ${uwsgi.worker_id()}: ${data}`);
  return response;
}

const servers = uwsgi.sockets.map((socket) => socket.serve(handle));
uwsgi.accepting();
uwsgi.log(`worker ${uwsgi.worker_id()} serves ${uwsgi.sockets.map((s) => s.address).join(", ")}`);

async function leave(): Promise<void> {
  // Stops accepting, finishes what the clients have begun, and only then ends.
  await Promise.all(servers.map((server) => server.shutdown()));
  uwsgi.log(`worker ${uwsgi.worker_id()} says goodbye`);
  Deno.exit();
}

// uWSGI tells a worker with SIGHUP to make room for its successor, and with SIGINT to stop.
Deno.addSignalListener("SIGHUP", leave);
Deno.addSignalListener("SIGINT", leave);
