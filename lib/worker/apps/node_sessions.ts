/**
 * Runs in the worker. The sessions of a `node:http2` server, gRPC's among them: when the worker leaves,
 * their clients are told to go (GOAWAY), finish what they have begun, and begin further streams elsewhere.
 *
 * @module
 */

import type { Socket } from "node:net";

/** What is needed of a session of `node:http2`. */
export interface Session {
  readonly closed: boolean;
  readonly destroyed: boolean;
  goaway(code: number, lastStream: number): void;
  ping(done: () => void): boolean;
  close(): void;
}

/** Names no stream: whatever is on its way is still taken (RFC 9113, 6.8). */
const ANY_STREAM = 0x7fff_ffff;
const NO_ERROR = 0;

/** The sessions, by their connections. */
export class NodeSessions {
  readonly #sessions = new Map<Socket, Session>();
  #going = false;

  /** A connection has a session, until {@linkcode delete}. */
  add(socket: Socket, session: Session): void {
    this.#sessions.set(socket, session);
    if (this.#going) tellToGo(session);
  }

  /** A connection has ended. */
  delete(socket: Socket): void {
    this.#sessions.delete(socket);
  }

  /** Tells all clients to go, and those that come from now on. */
  tellToGo(): void {
    this.#going = true;
    for (const session of this.#sessions.values()) tellToGo(session);
  }

  /** Takes no more streams on a connection; true: it has a session, which ends with its last stream. */
  close(socket: Socket): boolean {
    const session = this.#sessions.get(socket);
    if (session === undefined) return false;
    close(session);
    return true;
  }
}

/** In two steps: when the client's answer has come, it has also heard of the first one. */
function tellToGo(session: Session): void {
  if (session.closed || session.destroyed) return;
  try {
    session.goaway(NO_ERROR, ANY_STREAM);
    if (session.ping(() => close(session))) return;
  } catch {
    // It is about to end, or its client does not take pings.
  }
  close(session);
}

function close(session: Session): void {
  if (!session.closed && !session.destroyed) session.close();
}
