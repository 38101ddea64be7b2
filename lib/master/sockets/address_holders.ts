/**
 * Runs in the master, and only to explain why an address cannot be had: which processes have it, as far as
 * this user may see that.
 *
 * @module
 */

import { OPERATOR_SOCKET } from "../../control/commands.ts";
import { excerpt } from "../../foreign_text.ts";
import { decodeWorkerEnvironment, WORKER_VARIABLE } from "../../protocol/worker_environment.ts";
import {
  type ListeningAddress,
  tcpListeners,
  unixListeners,
} from "../../system/sockets/socket_table.ts";

/** A process with a socket that listens at the address. */
export interface Holder {
  readonly pid: number;
  /** What the kernel calls it. */
  readonly name: string;
  /** Process id of the master, if it belongs to an instance of duwsgi. */
  readonly master: number | null;
}

/** Who has an address. */
export interface Holders {
  /** True if this process has it itself, by another line of its configuration. */
  readonly own: boolean;
  readonly processes: readonly Holder[];
  /** Masters of theirs that live, and have given the address up: they are about to end. */
  readonly ending: readonly number[];
}

/** What is said of who has the address, and what is to be done; null: nobody is to be seen. */
export interface Explanation {
  readonly who: string;
  readonly advice: string;
}

/** More processes are not named. */
const MOST_NAMED = 3;

/** Says it. Pure. */
export function explainHolders({ own, processes, ending }: Holders): Explanation | null {
  if (own) {
    return { who: "this process listens there already", advice: "choose another address" };
  }
  const [first] = processes;
  if (first === undefined) return null;
  const leaving = processes.find(({ master }) => master !== null && ending.includes(master));
  if (leaving !== undefined) {
    return {
      who:
        `process ${leaving.pid} of the duwsgi instance with pid ${leaving.master}, which is ending`,
      advice:
        "try again when it has ended, at the latest after its worker-reload-mercy, or choose " +
        "another address",
    };
  }
  const owned = processes.find(({ master }) => master !== null);
  if (owned !== undefined) {
    const isMaster = processes.some(({ pid }) => pid === owned.master);
    return {
      who: isMaster
        ? `the duwsgi instance with pid ${owned.master}`
        : `process ${owned.pid}, a worker of the duwsgi instance ${owned.master}, which is gone`,
      advice: isMaster
        ? "stop it or choose another address"
        : "it ends within its worker-reload-mercy; stop it or choose another address",
    };
  }
  const named = processes.slice(0, MOST_NAMED).map(({ pid, name }) => `${pid} (${name})`);
  const more = processes.length - named.length;
  const list = more > 0 ? `${named.join(", ")} and ${more} more` : named.join(", ");
  return {
    who: processes.length === 1 ? `process ${list}` : `processes ${list}`,
    advice: "stop the other server or choose another address",
  };
}

/** Looks for them; nobody is found where the kernel does not tell, or this user may not look. */
export function holdersOf(address: ListeningAddress): Holders {
  const inodes = "path" in address
    ? unixListeners(textOf("/proc/net/unix"), address.path)
    : tcpListeners(["/proc/net/tcp", "/proc/net/tcp6"].map(textOf), address);
  if (inodes.size === 0) return { own: false, processes: [], ending: [] };
  const masters = operatorInodes();
  const processes: Holder[] = [];
  let own = false;
  for (const pid of pids()) {
    const sockets = socketsOf(pid);
    if (!sockets.some((inode) => inodes.has(inode))) continue;
    if (pid === Deno.pid) {
      own = true;
      continue;
    }
    const isMaster = sockets.some((inode) => masters.has(inode));
    const name = excerpt(textOf(`/proc/${pid}/comm`).trim(), 20);
    processes.push({ pid, name, master: isMaster ? pid : masterOf(pid) });
  }
  const known = new Set(processes.map(({ pid }) => pid));
  const absent = new Set(processes.map(({ master }) => master).filter((pid) => pid !== null));
  return {
    own,
    processes,
    ending: [...absent].filter((pid) => !known.has(pid) && isMasterNow(pid, masters)),
  };
}

/** A worker was told who its master is; null: it is no worker. */
function masterOf(pid: number): number | null {
  const prefix = `${WORKER_VARIABLE}=`;
  const variable = textOf(`/proc/${pid}/environ`).split("\0").find((one) => one.startsWith(prefix));
  if (variable === undefined) return null;
  try {
    const { masterPid } = decodeWorkerEnvironment(variable.slice(prefix.length));
    return Number.isSafeInteger(masterPid) && masterPid > 0 ? masterPid : null;
  } catch {
    // Anybody can name a variable so.
    return null;
  }
}

/** The pid may be somebody else's by now. */
function isMasterNow(pid: number, masters: ReadonlySet<string>): boolean {
  return socketsOf(pid).some((inode) => masters.has(inode));
}

/** The sockets on which masters answer operators: who has one is a master. */
function operatorInodes(): ReadonlySet<string> {
  const lines = textOf("/proc/net/unix").split("\n").filter((line) =>
    line.endsWith(`/${OPERATOR_SOCKET}`)
  );
  return new Set(lines.map((line) => line.trim().split(/\s+/)[6] ?? ""));
}

function pids(): number[] {
  try {
    return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
      .filter((pid) => Number.isInteger(pid) && pid > 0);
  } catch {
    return [];
  }
}

function socketsOf(pid: number): readonly string[] {
  const inodes: string[] = [];
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      const target = linkOf(`/proc/${pid}/fd/${name}`);
      if (target.startsWith("socket:[")) inodes.push(target.slice("socket:[".length, -1));
    }
  } catch {
    // It has ended, or belongs to another user.
  }
  return inodes;
}

function linkOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    // Closed meanwhile.
    return "";
  }
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Not there, or not for this user.
    return "";
  }
}
