/**
 * Runs in the master, where foreign functions are refused: workers bind their own sockets with
 * `reusePort`, so the master can only find out whether the address is to be had.
 *
 * @module
 */

/** What it costs, for the log. */
export const COST_OF_OWN_SOCKETS =
  "workers bind their sockets themselves (reusePort): each reload can reset connections that are " +
  "waiting in the queue of the worker that leaves";

/**
 * Checks that nobody listens at the address, and picks a free port for port 0. Nothing keeps the port
 * reserved until the workers bind it.
 *
 * @returns The port.
 * @throws {Deno.errors.AddrInUse} If somebody does.
 */
export function reservePort(hostname: string, port: number): number {
  const listener = Deno.listen({ hostname, port });
  const { port: real } = listener.addr as Deno.NetAddr;
  listener.close();
  return real;
}
