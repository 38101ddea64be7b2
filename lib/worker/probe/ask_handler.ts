/**
 * Runs in the worker. Asks what a script serves through `Deno.serve` or `uwsgi.serve` for the page of
 * `accepting-probe`: its handler is called as it is, without what counts and logs requests.
 *
 * @module
 */

import { isResponse } from "../serving/http.ts";
import type { Handling } from "../handler.ts";

/** What it says that it is. */
export const PROBE_AGENT = "duwsgi-accepting-probe";

/** Asks for a page, and returns the status of the answer; redirects are not followed. */
export async function askHandler({ handler, onError }: Handling, url: string): Promise<number> {
  const request = new Request(url, { headers: { accept: "*/*", "user-agent": PROBE_AGENT } });
  const remoteAddr: Deno.Addr = { transport: "tcp", hostname: "127.0.0.1", port: 0 };
  let response: unknown;
  try {
    response = await handler(request, { remoteAddr, completed: Promise.resolve() });
  } catch (error) {
    if (onError === undefined) throw error;
    response = await onError(error);
  }
  if (!isResponse(response)) throw new TypeError("the handler returned no response");
  await response.body?.cancel();
  return response.status;
}
