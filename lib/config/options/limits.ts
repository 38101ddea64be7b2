/**
 * The options that limit how long and how much a worker works.
 *
 * @module
 */

import type { Limits } from "../../core/policies/limit_settings.ts";
import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";

/** A day is longer than anything that is waited for. */
const DAY_S = 86_400;
/** The longest lifetime, a year. */
const YEAR_S = 365 * DAY_S;
/** The most memory, 16 TB. */
const MOST_MB = 1 << 24;

/** The rows of the limits that the core judges by. */
export const LIMIT_OPTIONS: OptionRows<Limits> = {
  maxRequests: {
    name: "max-requests",
    aliases: [],
    short: "R",
    group: "Limits",
    argument: "N",
    kind: kind.integer(0, 2 ** 31 - 1),
    default: 0,
    onChange: "master",
    help: "Requests after which a worker is replaced",
    details:
      "0 is no limit. The successor accepts before the worker leaves, and workers are replaced one at " +
      "a time. The count is looked at once per second and not before `min-worker-lifetime`, so it " +
      "is exceeded. Requests count that servers of the `uwsgi` module answer; what the script serves by " +
      "itself on an inherited socket is not seen.",
    example: "max-requests = 100000",
  },
  maxRequestsDelta: {
    name: "max-requests-delta",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "N",
    kind: kind.integer(0, 2 ** 31 - 1),
    default: 0,
    onChange: "master",
    help: "How many more requests each slot has than the one before it",
    details:
      "Worker 1 has `max-requests`, worker 2 this many more, and so on, so that workers which share " +
      "the load evenly are not all due together.",
    example: "max-requests = 100000\nmax-requests-delta = 5000",
  },
  maxWorkerLifetimeMs: {
    name: "max-worker-lifetime",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "SECONDS",
    kind: kind.seconds(0, YEAR_S),
    default: 0,
    onChange: "master",
    help: "Age at which a worker is replaced",
    details:
      "0 is no limit. It counts from the start of the process. The successor accepts before the worker " +
      "leaves. It must be more than `min-worker-lifetime`.",
    example: "max-worker-lifetime = 86400",
  },
  maxWorkerLifetimeDeltaMs: {
    name: "max-worker-lifetime-delta",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "SECONDS",
    kind: kind.seconds(0, YEAR_S),
    default: 0,
    onChange: "master",
    help: "How much older each slot's worker may become than that of the slot before it",
    details: "Worker 1 has `max-worker-lifetime`, worker 2 this much more, and so on.",
    example: "max-worker-lifetime = 86400\nmax-worker-lifetime-delta = 600",
  },
  minWorkerLifetimeMs: {
    name: "min-worker-lifetime",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "SECONDS",
    kind: kind.seconds(0, YEAR_S),
    default: 10_000,
    onChange: "master",
    help: "Age before which requests and memory do not end a worker",
    details:
      "A floor for `max-requests`, `reload-on-rss` and `reload-on-as`, so that a limit which is too " +
      "low does not keep the instance busy with nothing but replacing workers. The limits that " +
      "kill (`harakiri`, `hang-timeout`, `evil-reload-on-rss`) do not wait for it.",
    example: "min-worker-lifetime = 60",
  },
  reloadOnRss: memory(
    "reload-on-rss",
    "Megabytes of memory at which a worker is replaced",
    "0 is no limit. Counted is what the process has in RAM (VmRSS of proc_pid_status(5)), pages that " +
      "it shares with its siblings included: a worker without a script has some 50 MB already. The " +
      "worker is replaced in order when it was above the limit for three seconds in a row, and is " +
      "older than `min-worker-lifetime`.",
    "reload-on-rss = 512",
  ),
  reloadOnAs: memory(
    "reload-on-as",
    "Megabytes of address space at which a worker is replaced",
    "0 is no limit. Deno reserves address space in advance that it never uses, some 18000 MB and " +
      "more, so `reload-on-rss` is nearly always what is meant. Else the same as there.",
    "reload-on-as = 65536",
  ),
  evilReloadOnRss: memory(
    "evil-reload-on-rss",
    "Megabytes of memory at which a worker is killed",
    "0 is no limit. Like `reload-on-rss`, but the worker gets SIGKILL and its requests are lost: a last " +
      "resort, above `reload-on-rss`, before the kernel chooses whom to kill.",
    "reload-on-rss = 512\nevil-reload-on-rss = 1024",
  ),
  harakiriMs: {
    name: "harakiri",
    aliases: [],
    short: "t",
    group: "Limits",
    argument: "SECONDS",
    kind: kind.seconds(0, DAY_S),
    default: 0,
    onChange: "workers",
    help: "The longest a request may take",
    details:
      "0 is no limit. When a handler has had no response for longer than this, the log names the " +
      "request, the worker is replaced at once, its other requests get `harakiri-graceful-timeout`, " +
      "and then it is killed. A response that is being sent does not count: streams and WebSockets " +
      "may last. The time is measured in whole seconds, rounded in the request's favour.",
    example: "harakiri = 30",
  },
  harakiriGracefulTimeoutMs: {
    name: "harakiri-graceful-timeout",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "SECONDS",
    kind: kind.seconds(0, DAY_S),
    default: 10_000,
    onChange: "master",
    help: "Time a worker has for its other requests when one of them takes too long",
    details:
      "Then it gets SIGKILL. With 0, which is uWSGI's default, it is killed at once; but one event " +
      "loop has many requests, and the others are none the worse for the one.",
    example: "harakiri-graceful-timeout = 5",
  },
  hangTimeoutMs: {
    name: "hang-timeout",
    aliases: [],
    short: "",
    group: "Limits",
    argument: "SECONDS",
    kind: kind.secondsOrNever(3, DAY_S),
    default: 0,
    onChange: "workers",
    help: "The longest the event loop of a worker may be blocked",
    details:
      "0 is no limit, 3 is the least. A worker that has given no sign of life for this long computes " +
      "without end, or is stopped: it is killed and replaced. It counts from the first `accepting()`: " +
      "a start that takes long is the business of `start-timeout`. uWSGI has nothing like it.",
    example: "hang-timeout = 30",
  },
};

function memory(
  name: string,
  help: string,
  details: string,
  example: string,
): OptionRows<Limits>["reloadOnRss"] {
  return {
    name,
    aliases: [],
    short: "",
    group: "Limits",
    argument: "MEGABYTES",
    kind: kind.megabytes(0, MOST_MB),
    default: 0,
    onChange: "master",
    help,
    details,
    example,
  };
}
