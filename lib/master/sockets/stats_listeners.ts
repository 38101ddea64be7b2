/**
 * Runs in the master. The sockets at which the master itself shows what the instance is like. They are
 * opened like those of the workers, and a program that replaces the master's own goes on with them; but
 * workers don't inherit them.
 *
 * @module
 */

import { UserError } from "../../errors.ts";
import type { Config } from "../../config/config.ts";
import { viewAddresses } from "../../config/options/exporting.ts";
import { ERRNO, type Libc } from "../../system/libc.ts";
import { collide } from "../../system/sockets/socket_address.ts";
import { type Listener, VIEW_BACKLOG } from "./listener.ts";
import { Listeners } from "./listeners.ts";
import type { OptionLine } from "../../config/origin.ts";

const ADVICE = "choose another address";

/** What of the configuration they are made from. */
export type StatsSocketConfig = Pick<Config, "stats" | "metricsHttp" | "chmodSocket" | "vacuum">;

/**
 * Opens all of them, or none. What is open already is kept.
 *
 * @param taken Addresses of the instance's own sockets.
 * @throws {UserError} If one of them cannot be opened; nothing is left behind.
 */
export async function openStatsListeners(
  c: Libc | null,
  config: StatsSocketConfig,
  known: readonly Listener[],
  taken: readonly string[],
): Promise<Listeners> {
  const sockets = viewAddresses(config);
  const { chmodSocket, vacuum } = config;
  const views = await Listeners.open(c, {
    sockets,
    processes: 1,
    listen: VIEW_BACKLOG,
    reusePort: false,
    denoFlags: [],
    soKeepalive: false,
    chmodSocket,
    // They are opened with the rights of `uid`, who may give nothing away.
    chownSocket: "",
    vacuum,
  }, known);
  try {
    views.addresses.forEach((address, i) => {
      const others = [...taken, ...views.addresses.slice(0, i)];
      if (others.some((other) => collide(address, other))) {
        throw refusal(sockets[i], `the instance listens there already: ${ADVICE}`);
      }
      listen(c, views.records[i], sockets[i]);
    });
    return views;
  } catch (error) {
    views.closeAllBut(new Listeners(c, known));
    throw error;
  }
}

/** Two bound sockets can have the same address, two that listen cannot. */
function listen(
  c: Libc | null,
  listener: Listener | undefined,
  line: OptionLine | undefined,
): void {
  const [fd] = listener?.worker.fds ?? [];
  if (c === null || fd === undefined || c.listen(fd, VIEW_BACKLOG) === 0) return;
  const errno = c.errno();
  const isTaken = errno === ERRNO.EADDRINUSE;
  throw refusal(
    line,
    isTaken ? `address already in use: ${ADVICE}` : c.errorText(errno).toLowerCase(),
  );
}

function refusal(line: OptionLine | undefined, reason: string): UserError {
  const { option, text, origin } = line ?? { option: "", text: "", origin: { file: "", line: 0 } };
  const place = `${option} "${text}" (${origin.file}:${origin.line})`;
  return new UserError("socket", `Cannot open ${place}: ${reason}`);
}
