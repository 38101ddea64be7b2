/**
 * The words on the control pipe: what a worker says to its master, and what the master says to a
 * worker. Both ends import this file; framing is `channel.ts`.
 *
 * @module
 */

/** Version of the protocol. A master and a worker of different versions refuse each other. */
export const PROTOCOL_VERSION = 1;

/** Longest message in bytes, its newline included. What is longer breaks the pipe. */
export const MAX_MESSAGE_BYTES = 1 << 20;

/** Longest message to a mule, in bytes of UTF-8, as in uWSGI (`mule-msg-size`). */
export const MAX_MULE_MESSAGE_BYTES = 65_536;

/** Longest token of a worker: a UUID is shorter. */
const MAX_TOKEN_LENGTH = 64;

/** Longest address of a socket: the longest host name, and a port. */
const MAX_ADDRESS_LENGTH = 300;

/** Why a worker is told to leave. */
export type RetireReason = "reload" | "stop" | "scaled-down";

/** What a worker says. */
export type WorkerMessage =
  /** First words on a new pipe: who is calling. `adopts`: it can accept on inherited sockets. */
  | {
    readonly type: "hello";
    readonly protocol: number;
    readonly token: string;
    readonly pid: number;
    readonly adopts: boolean;
  }
  /**
   * `uwsgi.accepting()`: it accepts connections, or stopped doing so for a while. `covers`: it can
   * accept on the sockets of other slots as well.
   */
  | { readonly type: "accepting"; readonly on: boolean; readonly covers: boolean }
  /**
   * Clients wait on this socket, and nothing here has accepted from it for the `start-timeout`, although
   * it could.
   */
  | { readonly type: "unserved"; readonly address: string }
  /** Its event loop runs; `lagMs` is how late this message left. */
  | { readonly type: "heartbeat"; readonly lagMs: number }
  /** It set itself a time with `uwsgi.set_user_harakiri()`: look at its lane from now on. */
  | { readonly type: "watch" }
  /** It stopped accepting and finishes what it has: `connections` clients at this moment. */
  | { readonly type: "draining"; readonly connections: number }
  /**
   * It leaves, and waits for these connections, at most so long: with a request, idle, and those that last as
   * long as their clients like.
   */
  | {
    readonly type: "waiting";
    readonly requests: number;
    readonly idle: number;
    readonly lasting: number;
    readonly leftMs: number;
  }
  /** `uwsgi.reload()`. */
  | { readonly type: "reload" }
  /** `uwsgi.stop()`. */
  | { readonly type: "stop" }
  /** `uwsgi.mule_msg()`: for this mule, or for the first one that waits (0). */
  | { readonly type: "mule-message"; readonly text: string; readonly mule: number }
  /** `uwsgi.mule_msg_get()`: a mule asks for one message. */
  | { readonly type: "mule-ask" };

/** What the master says. */
export type MasterMessage =
  /** Leave: finish what you have within `mercyMs`. */
  | {
    readonly type: "retire";
    readonly reason: RetireReason;
    readonly mercyMs: number;
    /** Addresses of sockets that nobody serves after this worker. */
    readonly closing: readonly string[];
  }
  /**
   * Stop accepting, and stay. `drain`: a successor accepts, so clients are asked to go; else the
   * instance pauses, and the answer is `accepting`.
   */
  | {
    readonly type: "standBy";
    readonly drain: boolean;
    /** Addresses of sockets that the successor does not have: go on accepting there. */
    readonly keep: readonly string[];
  }
  /** Accept again; the answer is `accepting`. */
  | { readonly type: "recall" }
  /** Accept on the sockets of these other slots, and of no further ones: they have no worker now. */
  | { readonly type: "cover"; readonly slots: readonly number[] }
  /**
   * The log file has been renamed: open this one in its place, if it still is the file with this
   * inode, which the master has opened there.
   */
  | { readonly type: "reopen-log"; readonly path: string; readonly inode: number | null }
  /** The answer to `mule-ask`. */
  | { readonly type: "mule-message"; readonly text: string };

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isString: Check = (value) => typeof value === "string";
const isToken: Check = (value) => typeof value === "string" && value.length <= MAX_TOKEN_LENGTH;
const isAddress: Check = (value) => typeof value === "string" && value.length <= MAX_ADDRESS_LENGTH;
const isMuleText: Check = (value) => typeof value === "string" && fitsMule(value);
const isBoolean: Check = (value) => typeof value === "boolean";
const isNumberOrNull: Check = (value) => value === null || isNumber(value);
const isRecord: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNumberList: Check = (value) => Array.isArray(value) && value.every(isNumber);
const isStringList: Check = (value) => Array.isArray(value) && value.every(isString);
const isReason: Check = (value) =>
  value === "reload" || value === "stop" || value === "scaled-down";

/** One unit of a text takes at most three bytes in UTF-8. */
function fitsMule(text: string): boolean {
  if (text.length > MAX_MULE_MESSAGE_BYTES) return false;
  return text.length * 3 <= MAX_MULE_MESSAGE_BYTES ||
    new TextEncoder().encode(text).length <= MAX_MULE_MESSAGE_BYTES;
}

/** The fields of each message and what they may hold; a missing row does not compile. */
type Shapes<M extends { readonly type: string }> = {
  readonly [T in M["type"]]: {
    readonly [F in Exclude<keyof Extract<M, { readonly type: T }>, "type">]: Check;
  };
};

const WORKER_SHAPES: Shapes<WorkerMessage> = {
  hello: { protocol: isCount, token: isToken, pid: isCount, adopts: isBoolean },
  accepting: { on: isBoolean, covers: isBoolean },
  unserved: { address: isAddress },
  heartbeat: { lagMs: isNumber },
  watch: {},
  draining: { connections: isCount },
  waiting: { requests: isCount, idle: isCount, lasting: isCount, leftMs: isNumber },
  reload: {},
  stop: {},
  "mule-message": { text: isMuleText, mule: isCount },
  "mule-ask": {},
};

const MASTER_SHAPES: Shapes<MasterMessage> = {
  retire: { reason: isReason, mercyMs: isNumber, closing: isStringList },
  standBy: { drain: isBoolean, keep: isStringList },
  recall: {},
  cover: { slots: isNumberList },
  "reopen-log": { path: isString, inode: isNumberOrNull },
  "mule-message": { text: isString },
};

/** A message that is not one: too long, not JSON, or with a field of the wrong kind. */
export class ProtocolError extends Error {
  /** Takes what is wrong with the message. */
  constructor(message: string) {
    super(message);
    this.name = "ProtocolError";
  }
}

/**
 * Reads one message of a worker. Null for a type this version does not know, which is skipped: a
 * worker may be newer than its master.
 *
 * @throws {ProtocolError} If it is not JSON, or a known type has a wrong field.
 */
export function decodeWorkerMessage(text: string): WorkerMessage | null {
  return decode<WorkerMessage>(text, WORKER_SHAPES);
}

/**
 * Reads one message of the master, see {@linkcode decodeWorkerMessage}.
 *
 * @throws {ProtocolError} If it is not JSON, or a known type has a wrong field.
 */
export function decodeMasterMessage(text: string): MasterMessage | null {
  return decode<MasterMessage>(text, MASTER_SHAPES);
}

function decode<M>(text: string, shapes: Readonly<Record<string, Shape>>): M | null {
  const value = parse(text);
  const type = value["type"];
  if (typeof type !== "string") throw new ProtocolError("A message has no type");
  if (!Object.hasOwn(shapes, type)) return null;
  // Fields that are not known stay behind: nobody has checked them.
  const message: Record<string, unknown> = { type };
  for (const [field, check] of Object.entries(shapes[type] ?? {})) {
    if (!check(value[field])) throw new ProtocolError(`Message "${type}" has no valid "${field}"`);
    message[field] = value[field];
  }
  return message as M;
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError("A message is not JSON");
  }
  if (!isRecord(value)) throw new ProtocolError("A message is not an object");
  return value as Record<string, unknown>;
}
