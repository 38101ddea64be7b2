/**
 * What a service manager does for the program, done by a test: it listens to what the program says of
 * itself, and passes listening sockets.
 *
 * @module
 */
import { lendDescriptors, O_CLOEXEC } from "../../lib/system/descriptor.ts";
import { type MasterOptions, RunningMaster } from "./running_master.ts";
import { OwnedDescriptors } from "./owned_descriptors.ts";

const FAR = 300;

/** Starts a master with these descriptors as 3, 4, …; `pid` is the shell's word for LISTEN_PID. */
export function startWithSockets(
  options: MasterOptions,
  fds: readonly number[],
  names: string | null = null,
  pid = "$$",
): RunningMaster {
  using owned = new OwnedDescriptors();
  const { libc } = owned;
  // Far from 3, so that none is in the way of another.
  const lent = fds.map((fd, index) => owned.own(libc.dup3(fd, FAR + index, O_CLOEXEC)));
  const take = lent.map((fd, index) => `${index + 3}<&${fd} ${fd}<&-`).join(" ");
  const script = `exec ${take}; export LISTEN_PID=${pid}; exec "$@"`;
  const env = {
    ...options.env,
    LISTEN_FDS: String(fds.length),
    ...(names === null ? {} : { LISTEN_FDNAMES: names }),
  };
  const launcher = ["bash", "-c", script, "bash"];
  return lendDescriptors(libc, lent, () => new RunningMaster({ ...options, env, launcher }));
}

/** Where a program says how it is (sd_notify(3)). Use it with `await using`. */
export class NotifyListener {
  /** All messages so far, by their variables. */
  readonly messages: Readonly<Record<string, string>>[] = [];
  readonly #listener: Deno.DatagramConn;
  readonly #reading: Promise<void>;

  /** Begins to listen at a path; `\0` before it makes it an abstract name. */
  constructor(path: string) {
    this.#listener = Deno.listenDatagram({ transport: "unixpacket", path });
    this.#reading = this.#read();
  }

  /** What was said, without the lines that only people read and the calls of the watchdog. */
  get words(): readonly string[] {
    const silent = new Set(["STATUS", "EXTEND_TIMEOUT_USEC", "WATCHDOG", "MONOTONIC_USEC"]);
    return this.messages.flatMap((message) =>
      Object.keys(message).filter((name) => !silent.has(name))
    );
  }

  /** The lines for people, in order. */
  get statuses(): readonly string[] {
    return this.messages.flatMap(({ STATUS }) => STATUS ?? []);
  }

  /** How often the watchdog was called. */
  get watchdogCalls(): number {
    return this.messages.filter(({ WATCHDOG }) => WATCHDOG === "1").length;
  }

  async #read(): Promise<void> {
    for await (const [bytes] of this.#listener) {
      const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
      this.messages.push(Object.fromEntries(lines.map((line) => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)];
      })));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#reading;
  }
}
