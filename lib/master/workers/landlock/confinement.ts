/**
 * Runs in the master, and only where workers are sandboxes with Landlock. Makes the rules for workers and
 * mules, keeps a thread for those that are in use (`confined_spawner.ts`), and says what holds.
 *
 * @module
 */

import { errorText } from "../../../errors.ts";
import type { Libc } from "../../../system/libc.ts";
import { descriptorTarget } from "../../../system/descriptor.ts";
import { landlockAbi, type Rules } from "../../../system/process/landlock.ts";
import { logLine } from "../../log.ts";
import type { Resources } from "../../resources.ts";
import { ConfinedSpawner, RestrictionRefused } from "./confined_spawner.ts";
import { type LandlockPlan, pathKind, survey } from "./facts.ts";
import { landlockRules, LOCK_FILE, pathsBehind } from "./rules.ts";

/** How processes are started. */
export interface Confined {
  /** Null: without restrictions, see `why`. */
  readonly spawner: ConfinedSpawner | null;
  /** Why there are none; empty: there are some. */
  readonly why: string;
}

/** What is known of those who are started under a name. */
interface Known extends Confined {
  /** The rules as one text. */
  readonly key: string;
  /** What the paths stood for that rules were made for. */
  readonly seen: readonly (readonly [path: string, what: string])[];
}

/**
 * The oldest version that is used: before it the kernel refuses every rename from one directory to
 * another, which Deno would allow.
 */
const OLDEST_ABI = 2;

/** Why the kernel cannot restrict files; empty: it can. */
export function whyNoLandlock(c: Libc | null): string {
  if (c === null) return "foreign functions are not available";
  const abi = landlockAbi(c);
  if (abi === 0) return "the kernel has no Landlock, or it is switched off";
  return abi < OLDEST_ABI
    ? "the kernel's Landlock is too old: 5.19 is the oldest that will do"
    : "";
}

/** Lines that were said already: each is said once. */
const told = new Set<string>();

/** The restrictions of an instance's workers, or of its mules. */
export class Confinement {
  readonly #libc: Libc;
  readonly #directory: () => string;
  readonly #stderr: number | null;
  readonly #known = new Map<string, Known>();
  readonly #preparing = new Map<string, Promise<Confined>>();
  readonly #spawners = new Map<string, ConfinedSpawner>();
  #closed = false;

  /**
   * Nobody is restricted yet.
   *
   * @param directory The directory that the master has for itself, which is made again if it is gone.
   * @param stderr Descriptor of the standard error that workers get; null: they keep theirs.
   */
  constructor(c: Libc, directory: () => string, stderr: number | null) {
    this.#libc = c;
    this.#directory = directory;
    this.#stderr = stderr;
  }

  /**
   * How processes of this name are started now; undefined: that takes {@linkcode prepare}, because
   * nothing was prepared, or paths stand for something else by now.
   */
  current(name: string): Confined | undefined {
    const known = this.#known.get(name);
    if (known === undefined || known.spawner?.isBroken) return undefined;
    return known.seen.every(([path, what]) => identity(path) === what) ? known : undefined;
  }

  /**
   * Looks at what there is, and makes the rules and a thread for them.
   *
   * @param required Whether a process must not be started where the kernel cannot restrict it.
   * @throws {Error} If that is so, or there is no thread to be had.
   */
  async prepare(name: string, plan: LandlockPlan, required: boolean): Promise<Confined> {
    let preparing = this.#preparing.get(name);
    if (preparing === undefined) {
      preparing = this.#prepare(name, plan, required)
        .finally(() => this.#preparing.delete(name));
      this.#preparing.set(name, preparing);
    }
    return await preparing;
  }

  /** Nobody of this name is started any more, or what was known of them may be wrong. */
  forget(name: string): void {
    this.#known.delete(name);
    this.#sweep();
  }

  /** How processes of this name were started last; undefined: none was. */
  known(name: string): Confined | undefined {
    return this.#known.get(name);
  }

  /** Ends all threads; all processes must have ended. */
  close(): void {
    this.#closed = true;
    this.#known.clear();
    for (const spawner of this.#spawners.values()) spawner.close();
    this.#spawners.clear();
  }

  async #prepare(name: string, plan: LandlockPlan, required: boolean): Promise<Confined> {
    const missing = whyNoLandlock(this.#libc);
    if (missing !== "") return this.#without(name, missing, required);
    // It is a file of its own in the rules, so it has to be there.
    const directory = this.#directory();
    Deno.openSync(`${directory}/${LOCK_FILE}`, { create: true, write: true, mode: 0o600 })
      .close();
    const target = this.#stderr === null ? null : descriptorTarget(this.#libc, this.#stderr);
    const facts = await survey(this.#libc, plan, directory, target);
    // Before the rules: what changes meanwhile is noticed at the next start.
    const behind = identities([plan.script, ...pathsBehind(plan.granted, facts)]);
    const decision = landlockRules(plan.granted, facts, pathKind);
    const { rules, why } = decision;
    if (rules === null) {
      tell("info", `Landlock does not restrict workers: ${why}`, "wallOpen");
      return this.#unrestricted(name, why);
    }
    for (const note of decision.notes) tell("warning", note, "note");
    const ruled = identities(rules.paths.map(({ path }) => path));
    const key = JSON.stringify([rules, ruled]);
    const opened = this.#usable(key) ?? await this.#open(rules);
    if (typeof opened === "string") return this.#without(name, opened, required);
    // Somebody else may have opened one for the same rules meanwhile.
    const spawner = this.#usable(key) ?? opened;
    if (spawner !== opened || this.#closed) opened.close();
    if (this.#closed) throw new Error("the instance has ended");
    this.#spawners.set(key, spawner);
    const known: Known = { spawner, why: "", key, seen: [...behind, ...ruled] };
    this.#known.set(name, known);
    this.#sweep();
    return known;
  }

  /** The thread for these rules that can start processes. */
  #usable(key: string): ConfinedSpawner | undefined {
    const spawner = this.#spawners.get(key);
    return spawner?.isBroken ? undefined : spawner;
  }

  /** Opens a thread, or says why the kernel does not let it be one. */
  async #open(rules: Rules): Promise<ConfinedSpawner | string> {
    try {
      return await ConfinedSpawner.open(this.#libc, rules, () => this.#sweep());
    } catch (error) {
      const reason = errorText(error);
      if (error instanceof RestrictionRefused) return reason;
      throw new Error(`Cannot start the thread that starts restricted workers: ${reason}`);
    }
  }

  /** Does without what cannot be had, unless it is required. */
  #without(name: string, why: string, required: boolean): Confined {
    if (required) throw new Error(wallIsMissing(why));
    tell("warning", `Landlock does not restrict workers: ${why}`, "wallMissing");
    return this.#unrestricted(name, why);
  }

  #unrestricted(name: string, why: string): Confined {
    const known: Known = { spawner: null, why, key: "", seen: [] };
    this.#known.set(name, known);
    return known;
  }

  /** Ends the threads that nobody needs. */
  #sweep(): void {
    const used = new Set([...this.#known.values()].map(({ key }) => key));
    for (const [key, spawner] of this.#spawners) {
      if (used.has(key) || spawner.isNeeded) continue;
      this.#spawners.delete(key);
      spawner.close();
    }
  }
}

/** For an instance. */
export function openConfinement({ libc, control, stderrFd }: Resources): Confinement {
  if (libc === null) throw new Error(wallIsMissing(whyNoLandlock(libc)));
  return new Confinement(libc, () => control.ensureDirectory(), stderrFd);
}

/** What a master says that does not start. */
export function wallIsMissing(why: string): string {
  return `sandbox-walls requires landlock, which cannot be had: ${why}. Leave out "required", or name the ` +
    "walls that there are";
}

/** Says it once. */
function tell(level: "info" | "warning", text: string, event: string): void {
  if (told.has(text)) return;
  told.add(text);
  logLine(level, text, { event });
}

function identities(paths: readonly string[]): (readonly [path: string, what: string])[] {
  return paths.map((path) => [path, identity(path)] as const);
}

/** What a path stands for, as a text: another one when another file is there. */
function identity(path: string): string {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev} ${ino}`;
  } catch {
    return "";
  }
}
