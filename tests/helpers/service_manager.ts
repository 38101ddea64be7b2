/**
 * What a service manager does for the program, done by a test: passing listening sockets.
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
