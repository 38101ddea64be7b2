/** Hello world in a worker, on the sockets of the instance, and nothing is counted. */
import { slotDescriptor } from "../../lib/protocol/worker_environment.ts";
import { instanceAccess } from "../../lib/worker/instance.ts";
import { openOn } from "../../lib/worker/serving/listener.ts";
import uwsgi from "uwsgi";

const { sockets, slot } = instanceAccess()().environment;
const handler = () => new Response("Hello, world!\n");
for (const socket of sockets) {
  openOn(
    socket,
    slotDescriptor(socket, slot),
    (place) => Deno.serve({ ...place, onListen: () => {} }, handler),
  );
}
uwsgi.accepting();
