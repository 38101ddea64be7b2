/**
 * Sends messages over a connection that never waits: what does not fit into the kernel's buffer stays
 * here for a while, and is dropped when it becomes too much. A connection that ended is made again with
 * a later message, at most once per second.
 *
 * @module
 */

import {
  type DatagramAddress,
  type DatagramTransport,
  familyOf,
  remoteSockaddr,
} from "./datagram_outlet.ts";
import { ERRNO, lastErrno, type Libc } from "../libc.ts";
import { SOCKET_TYPE } from "./socket_address.ts";

const MSG_PEEK = 2;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const POLLOUT = 4;
const POLLERR = 8;
const POLLHUP = 16;
/** After a failure it is tried again not before this (1 s), which is also how often a rest is sent. */
const AGAIN_MS = 1_000;
/** Most bytes that wait here (256 KiB, or a single message). */
const MOST_WAITING = 262_144;

type State = "closed" | "connecting" | "open";

/** Sends messages to one address. */
export class StreamSender implements DatagramTransport {
  readonly #libc: Libc;
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #onDropped: (messages: number) => void;
  #state: State = "closed";
  #fd = -1;
  #notBefore = 0;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Nothing is opened before the first message.
   *
   * @param onDropped Called with the number of messages that were taken and could not be sent.
   * @throws {TypeError} If the host is no number.
   */
  constructor(c: Libc, address: DatagramAddress, onDropped: (messages: number) => void) {
    this.#libc = c;
    this.#address = remoteSockaddr(c, address);
    this.#onDropped = onDropped;
    // A process that ends sends what the connection takes.
    globalThis.addEventListener("unload", () => this.#flush());
  }

  send(message: Uint8Array<ArrayBuffer>): boolean {
    if (this.#state === "closed" && !this.#connect()) return false;
    if (this.#bytes > 0 && this.#bytes + message.length > MOST_WAITING) {
      this.#flush();
      if (this.#bytes + message.length > MOST_WAITING) return false;
    }
    this.#waiting.push(message);
    this.#bytes += message.length;
    this.#flush();
    return true;
  }

  close(): void {
    this.#flush();
    this.#end();
  }

  #connect(): boolean {
    if (performance.now() < this.#notBefore) return false;
    const c = this.#libc;
    this.#notBefore = performance.now() + AGAIN_MS;
    this.#fd = c.socket(familyOf(this.#address), SOCKET_TYPE.STREAM, 0);
    if (this.#fd < 0) return false;
    const connected = c.connect(this.#fd, this.#address, this.#address.length) === 0;
    if (!connected && lastErrno(c) !== ERRNO.EINPROGRESS) {
      this.#end();
      return false;
    }
    this.#state = connected ? "open" : "connecting";
    return true;
  }

  #flush(): void {
    if (this.#state === "connecting") this.#look();
    if (this.#state === "open" && this.#hasEnded()) this.#end();
    while (this.#state === "open") {
      const [first] = this.#waiting;
      if (first === undefined) break;
      const sent = this.#send(first);
      if (sent === null) this.#end();
      if (sent === null || sent === 0) break;
      this.#bytes -= sent;
      if (sent === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(sent);
    }
    this.#comeBack();
  }

  /** What waits is sent later, without a message that pushes it. */
  #comeBack(): void {
    clearTimeout(this.#timer);
    if (this.#bytes === 0) return;
    this.#timer = setTimeout(() => this.#flush(), AGAIN_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** Whether the connection has been made, or has failed. */
  #look(): void {
    const request = new Uint8Array(8);
    const view = new DataView(request.buffer);
    view.setInt32(0, this.#fd, true);
    view.setInt16(4, POLLOUT, true);
    if (this.#libc.poll(request, 1n, 0) <= 0) return;
    const failed = (view.getInt16(6, true) & (POLLERR | POLLHUP)) !== 0;
    if (failed) this.#end();
    else this.#state = "open";
  }

  /** The other side has closed: what is sent now would be lost without a word. */
  #hasEnded(): boolean {
    const byte = new Uint8Array(1);
    return Number(this.#libc.recv(this.#fd, byte, 1n, MSG_PEEK | MSG_DONTWAIT)) === 0;
  }

  #send(bytes: Uint8Array<ArrayBuffer>): number | null {
    const c = this.#libc;
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sent = Number(c.sendto(this.#fd, bytes, BigInt(bytes.length), flags, null, 0));
    if (sent >= 0) return sent;
    const errno = lastErrno(c);
    return errno === ERRNO.EAGAIN || errno === ERRNO.EINTR ? 0 : null;
  }

  #end(): void {
    if (this.#fd >= 0) this.#libc.close(this.#fd);
    this.#fd = -1;
    this.#state = "closed";
    const dropped = this.#waiting.length;
    this.#waiting = [];
    this.#bytes = 0;
    if (dropped > 0) this.#onDropped(dropped);
  }
}
