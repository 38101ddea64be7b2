/**
 * Runs in the worker, as a preload of its own and only with `forwarded-allow-ips`: what the configured
 * proxies say of their clients is what handlers, and the request log, find in requests.
 *
 * @module
 */

import { followRequests } from "../serving/http.ts";
import { instanceAccess } from "../instance.ts";
import { forwardedClient, forwardedUrl } from "./forwarded_headers.ts";
import { Networks } from "./networks.ts";
import type { Handler } from "../handler.ts";

const currentInstance = instanceAccess();

const { environment, facts } = currentInstance();
if (environment.slot > 0) {
  const proxies = new Networks(facts.proxies.forwardedFrom);
  followRequests((handling) => ({ ...handling, handler: honouring(handling.handler, proxies) }));
}

function honouring(handler: Handler, proxies: Networks): Handler {
  return (request, info) =>
    proxies.hasPeer(info.remoteAddr)
      ? handler(withUrl(request), withClient(info, request, proxies))
      : handler(request, info);
}

/** The same object, because only that can be upgraded to a WebSocket. */
function withUrl(request: Request): Request {
  const { headers } = request;
  const url = forwardedUrl(
    request.url,
    headers.get("x-forwarded-proto"),
    headers.get("x-forwarded-host"),
  );
  return url === null ? request : Object.defineProperty(request, "url", { value: url });
}

function withClient(
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  { headers }: Request,
  proxies: Networks,
): Deno.ServeHandlerInfo<Deno.Addr> {
  const client = forwardedClient(headers.get("x-forwarded-for") ?? "", proxies);
  if (client === null) return info;
  return {
    remoteAddr: { transport: "tcp", ...client },
    get completed() {
      return info.completed;
    },
  };
}
