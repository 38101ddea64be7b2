/**
 * Runs in the worker, where it is a sandbox. Puts one file in the place of another one, with all its
 * registrations. See `sealed_files.ts` for how it is written.
 *
 * @module
 */

import { EVENT_BYTES, MOST_NUMBERS, type Registrations } from "./registrations.ts";
import type { OpenFile, RetainedCalls, SealedFiles } from "./sealed_files.ts";

/** What was arranged before the script. */
export interface SwapSetup {
  readonly files: SealedFiles;
  readonly registrations: Registrations;
  /** Deno's epoll instances, and the descriptors that tell of each. */
  readonly epolls: readonly { readonly fd: number; readonly info: number }[];
}

/** Puts a file in the place of another one, with all its registrations; false: it was not there. */
export type Swap = (fd: number, from: OpenFile, to: number) => boolean;

/** The operations. */
export interface Swapper {
  /** One file. */
  readonly swap: Swap;
  /**
   * Reads the registrations of several files together, {@linkcode MOST_TOGETHER} at most: to read those of one
   * takes as long. They are good until the event loop runs, and no longer.
   */
  readonly read: (
    fds: Int32Array<ArrayBuffer>,
    files: readonly (OpenFile | null)[],
    count: number,
  ) => void;
  /** The same as {@linkcode Swapper.swap} for what has this place among those that were read. */
  readonly swapRead: (place: number, fd: number, from: OpenFile, to: number) => boolean;
}

/** So many registrations are read together. */
export const MOST_TOGETHER = 1_024;
/** The place of a file whose registrations are read alone. */
const ALONE = MOST_TOGETHER;
const NONE = -1;
const [EPOLL_CTL_ADD, EPOLL_CTL_DEL] = [1, 2];

/** Makes the operations. */
export function swapper(
  c: Pick<RetainedCalls, "epoll_ctl">,
  { files, registrations, epolls }: SwapSetup,
): Swapper {
  const count = epolls.length;
  const instances = new Int32Array(count);
  const infos = new Int32Array(count);
  /** For each instance: what was read, and of which places. */
  const events: Uint8Array<ArrayBuffer>[] = [];
  const found: Uint8Array<ArrayBuffer>[] = [];
  for (let i = 0; i < count; i++) {
    instances[i] = epolls[i]?.fd ?? NONE;
    infos[i] = epolls[i]?.info ?? NONE;
    events[i] = new Uint8Array((MOST_TOGETHER + 1) * EVENT_BYTES);
    found[i] = new Uint8Array(MOST_TOGETHER + 1);
  }
  const event = new Uint8Array(EVENT_BYTES);
  /** By number: one more than the place of the file that is asked for. */
  const places = new Int32Array(MOST_NUMBERS);

  function isFound(instance: number, place: number): boolean {
    const ofInstance = found[instance];
    return ofInstance !== undefined && ofInstance[place] === 1;
  }

  function add(instance: number, place: number, fd: number): void {
    const ofInstance = events[instance];
    if (ofInstance === undefined) return;
    for (let i = 0; i < EVENT_BYTES; i++) event[i] = ofInstance[place * EVENT_BYTES + i] ?? 0;
    c.epoll_ctl(instances[instance] ?? NONE, EPOLL_CTL_ADD, fd, event);
  }

  function swapRead(place: number, fd: number, from: OpenFile, to: number): boolean {
    if (!files.is(fd, from)) return false;
    // Without a registration there is nobody who would accept.
    let gone = false;
    for (let i = 0; i < count; i++) {
      if (!isFound(i, place)) continue;
      // Where an instance has several descriptors, only the first one succeeds.
      if (c.epoll_ctl(instances[i] ?? NONE, EPOLL_CTL_DEL, fd, null) === 0) gone = true;
    }
    if (!gone) return false;
    const replaced = files.replace(to, fd);
    // The same instance may have more than one descriptor: with the second one it is there already.
    for (let i = 0; i < count; i++) {
      if (isFound(i, place)) add(i, place, fd);
    }
    return replaced;
  }

  function readAlone(fd: number, file: OpenFile): void {
    for (let i = 0; i < count; i++) {
      const into = events[i];
      const ofInstance = found[i];
      if (into === undefined || ofInstance === undefined) continue;
      ofInstance[ALONE] = registrations.find(infos[i] ?? NONE, fd, file, event) ? 1 : 0;
      for (let k = 0; k < EVENT_BYTES; k++) into[ALONE * EVENT_BYTES + k] = event[k] ?? 0;
    }
  }

  return {
    swap: (fd, from, to) => {
      if (!files.is(fd, from)) return false;
      readAlone(fd, from);
      return swapRead(ALONE, fd, from, to);
    },
    read: (fds, all, asked) => {
      const most = asked < MOST_TOGETHER ? asked : MOST_TOGETHER;
      for (let k = 0; k < most; k++) {
        const fd = fds[k] ?? NONE;
        if (fd >= 0 && fd < MOST_NUMBERS) places[fd] = k + 1;
      }
      for (let i = 0; i < count; i++) {
        const into = events[i];
        const ofInstance = found[i];
        if (into === undefined || ofInstance === undefined) continue;
        for (let k = 0; k < MOST_TOGETHER; k++) ofInstance[k] = 0;
        registrations.findAll(infos[i] ?? NONE, places, all, into, ofInstance);
      }
      for (let k = 0; k < most; k++) {
        const fd = fds[k] ?? NONE;
        if (fd >= 0 && fd < MOST_NUMBERS) places[fd] = 0;
      }
    },
    swapRead,
  };
}
