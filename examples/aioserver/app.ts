/**
 * The example of uWSGI's page about the worker override, for Deno: a greeting and an echo over WebSockets
 * on every shared socket, in a worker that decides itself how it leaves. README.md has both side by side.
 */

import uwsgi from "uwsgi";

/** `GET /{name}` and `GET /`. */
function greet(name: string): Response {
  return new Response(`Hello, ${name === "" ? "Anonymous" : name}`);
}

/** `GET /echo`: a WebSocket. Close frames are answered by Deno, which then calls `onclose`. */
function echo(request: Request): Response {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("This is a WebSocket\n", {
      status: 426,
      headers: { upgrade: "websocket" },
    });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    uwsgi.metric_inc("echo.messages");
    socket.send(typeof data === "string" ? `Hello, ${data}` : data);
  };
  socket.onclose = ({ code }) => uwsgi.log(`echo closed with code ${code}`);
  return response;
}

const NAME = new URLPattern({ pathname: "/:name([^/]*)" });

function route(request: Request): Response {
  const found = NAME.exec(request.url);
  if (found === null) return new Response("Not Found\n", { status: 404 });
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Method Not Allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const name = decoded(found.pathname.groups.name ?? "");
  return name === "echo" ? echo(request) : greet(name);
}

/** What is no UTF-8 stays as it was sent. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function handle(request: Request): Response {
  const { method, url } = request;
  const response = route(request);
  uwsgi.metric_inc("requests");
  uwsgi.log(`${method} ${new URL(url).pathname} => ${response.status}`);
  return response;
}

const servers = uwsgi.sockets.map((socket) => {
  const server = socket.serve(handle);
  console.log(`Deno.serve started on duwsgi ${uwsgi.version}, ${socket.address}`);
  return server;
});

/** Waits for what clients have begun, and for what is queued in their connections; then the worker ends. */
async function leave(what: string): Promise<void> {
  uwsgi.log(`${what} worker ${uwsgi.worker_id()}`);
  await Promise.all(servers.map((server) => server.shutdown()));
  Deno.exit();
}

Deno.addSignalListener("SIGINT", () => leave("destroy"));
Deno.addSignalListener("SIGHUP", () => leave("graceful reload for"));

uwsgi.accepting();
