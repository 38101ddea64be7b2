/**
 * Runs in the master. Listening sockets that a service manager opened and passed on: how many there are
 * and what they are called stands in the environment (sd_listen_fds(3), systemd.socket(5)).
 *
 * @module
 */

/** A socket that this process was started with. */
export interface PassedSocket {
  /** Its descriptor. */
  readonly fd: number;
  /** Its name (`FileDescriptorName=`, by default the name of the socket unit); null: it has none. */
  readonly name: string | null;
}

/** `SD_LISTEN_FDS_START`: the first of them. */
const FIRST_FD = 3;

/** What says which sockets there are. */
export interface ListenVariables {
  readonly LISTEN_PID?: string | undefined;
  readonly LISTEN_FDS?: string | undefined;
  readonly LISTEN_FDNAMES?: string | undefined;
}

/**
 * Reads the variables. They mean nothing to a process that is not the one they were set for: it may
 * have inherited them, and other files under those numbers.
 */
export function passedSockets(variables: ListenVariables, pid: number): readonly PassedSocket[] {
  const { LISTEN_PID, LISTEN_FDS = "", LISTEN_FDNAMES } = variables;
  if (LISTEN_PID !== String(pid) || !/^[0-9]{1,4}$/.test(LISTEN_FDS)) return [];
  const names = LISTEN_FDNAMES?.split(":") ?? [];
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => ({
    fd: FIRST_FD + index,
    name: names[index] || null,
  }));
}

/** The variables again, for a program that replaces this one. */
export function listenVariables(sockets: readonly PassedSocket[]): Record<string, string> {
  if (sockets.length === 0) return {};
  return {
    LISTEN_PID: String(Deno.pid),
    LISTEN_FDS: String(sockets.length),
    LISTEN_FDNAMES: sockets.map(({ name }) => name ?? "").join(":"),
  };
}

/** Reads the variables of this process, and removes them: no child is to take them for its own. */
export function takePassedSockets(): readonly PassedSocket[] {
  const { get } = Deno.env;
  const sockets = passedSockets({
    LISTEN_PID: get("LISTEN_PID"),
    LISTEN_FDS: get("LISTEN_FDS"),
    LISTEN_FDNAMES: get("LISTEN_FDNAMES"),
  }, Deno.pid);
  for (const name of ["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"]) {
    Deno.env.delete(name);
  }
  return sockets;
}
