/**
 * Runs in the worker. `node:cluster` in a script: workers that it would start listen through their parent, which
 * has no socket to give them, and nobody would reload them. So they are refused, in a line that says what to do
 * instead.
 *
 * To be a worker of such a cluster in the script's eyes is no way out: libraries that look for a cluster (log4js
 * does) would send what they have to a parent that is not there.
 *
 * @module
 */

const REFUSAL =
  "cluster.fork() starts workers that get no socket and that no reload replaces: let the script listen " +
  'without node:cluster, and set "processes" to the number of workers';

/** What is needed of `node:cluster`. */
interface Cluster {
  isPrimary: boolean;
  isMaster: boolean;
  isWorker: boolean;
  fork: () => never;
}

/**
 * From now on, a script that forks is told why it cannot.
 *
 * @param become Deno's function that makes the cluster one of a worker, which nothing else leads to so early:
 * `import { fork } from "node:cluster"` takes the function that is there when the module is loaded.
 */
export function refuseForks(become: unknown): void {
  const cluster = typeof become === "function" ? clusterBehind(() => become("1")) : null;
  if (cluster === null) return;
  Object.assign(cluster, { isPrimary: true, isMaster: true, isWorker: false });
  cluster.fork = function fork() {
    const error = new Error(REFUSAL);
    // Where the mistake is, is where the script forks.
    Error.captureStackTrace(error, fork);
    throw error;
  };
}

/** The first property that such a cluster has and this one has not. */
const FIRST = "worker";

/** Lets Deno begin to make it one of a worker, and takes it from the first property that is set. */
function clusterBehind(become: () => unknown): Cluster | null {
  const end = new Error("This is as far as it goes");
  let found: Cluster | null = null;
  Object.defineProperty(Object.prototype, FIRST, {
    configurable: true,
    set(this: Cluster) {
      found = this;
      throw end;
    },
  });
  try {
    become();
  } catch (error) {
    if (error !== end) throw error;
  } finally {
    Reflect.deleteProperty(Object.prototype, FIRST);
  }
  return found;
}
