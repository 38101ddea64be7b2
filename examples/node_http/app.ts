/** `node:http` servers on the inherited descriptors: no duwsgi in the request's path at all. */

import { createServer } from "node:http";
import uwsgi from "uwsgi";

const servers = uwsgi.sockets.map(({ fd }) => {
  const server = createServer((_request, response) => {
    response.end(`Hello from worker ${uwsgi.worker_id()}\n`);
  });
  return new Promise<void>((resolve) => server.listen({ fd }, resolve));
});
await Promise.all(servers);
uwsgi.accepting();
