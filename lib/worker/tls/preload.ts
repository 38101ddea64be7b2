/**
 * Runs in the worker, after the preload, where the instance has TLS sockets (`deno run --preload`): takes
 * their certificates, which the master has left in memory without a name.
 *
 * @module
 */

import type { Certificates } from "../../protocol/worker_environment.ts";
import { readAnonymousFile } from "../../system/shared_memory.ts";
import { connectionOf } from "../serving/http.ts";
import { instanceAccess } from "../instance.ts";
import { Http2Clients, LivingClients } from "./http2_clients.ts";

const instance = instanceAccess()();
const { environment, libc } = instance;

// A mule has no sockets.
if (environment.certificates !== null) {
  if (libc === null) {
    throw new Error(
      "https-socket takes foreign functions in workers as well: allow them (--allow-ffi)",
    );
  }
  const certificates = JSON.parse(
    readAnonymousFile(libc, environment.certificates),
  ) as Certificates;
  libc.close(environment.certificates);
  const living = () => (instance.operations?.clients() ?? []).map(({ client }) => client);
  const clients = new Http2Clients(living);
  const known = new LivingClients(living);
  instance.tls = {
    certificate: (name) => {
      const found = certificates[name];
      if (found === undefined) throw new Error(`There is no certificate for "${name}"`);
      return found;
    },
    follow: (handler) => (request, info) => {
      const client = connectionOf(info);
      clients.note(client, request.headers);
      known.add(client);
      return handler(request, info);
    },
    note: (client) => known.add(client),
    hadRequest: (client) => known.has(client),
    speaksHttp2: (client) => clients.has(client),
  };
}
