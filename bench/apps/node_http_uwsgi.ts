/** Hello world of node:http in a worker, on the inherited socket. */
import { createServer } from "node:http";
import uwsgi from "uwsgi";

const server = createServer((_request, response) => void response.end("Hello, world!\n"));
server.listen({ fd: uwsgi.sockets[0]?.fd }, () => uwsgi.accepting());
