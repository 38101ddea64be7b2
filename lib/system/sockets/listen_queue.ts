/**
 * What waits in the queue of a listening socket, and whether it has one.
 *
 * @module
 */

import { queueLength } from "./accept_queue.ts";
import { socketInode } from "../descriptor.ts";
import type { Libc } from "../libc.ts";
import { FAMILY, SOCKET_TYPE, SOL_SOCKET } from "./socket_address.ts";

const SO_ACCEPTCONN = 30;
const SO_DOMAIN = 39;

/** True for a socket that listens (socket(7), SO_ACCEPTCONN): only such a one has a queue. */
export function isListening(c: Libc, fd: number): boolean {
  return socketOption(c, fd, SO_ACCEPTCONN) === 1;
}

/**
 * Number of connections that wait in the queue of a listening socket, TCP or Unix; 0 for others, and
 * for Unix sockets where the kernel does not tell (it lacks `unix_diag`).
 */
export function listenQueueLength(c: Libc, fd: number): number {
  if (socketOption(c, fd, SO_DOMAIN) !== FAMILY.UNIX) return queueLength(c, fd);
  return unixQueueLength(c, fd) ?? 0;
}

const SO_MEMINFO = 55;
/** Place in what SO_MEMINFO gives (sock_diag(7), SK_MEMINFO_DROPS). */
const DROPS = 8;

/**
 * Number of connections to a listening TCP socket that the kernel dropped, because its queue was full or
 * for want of memory, since it was opened; 0 for others.
 */
export function droppedConnections(c: Libc, fd: number): number {
  if (socketOption(c, fd, SO_DOMAIN) === FAMILY.UNIX) return 0;
  const values = new Uint32Array(DROPS + 1);
  const size = new Uint8Array(new Uint32Array([values.byteLength]).buffer);
  const bytes = new Uint8Array(values.buffer);
  return c.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, bytes, size) === 0 ? values[DROPS] ?? 0 : 0;
}

function socketOption(c: Libc, fd: number, option: number): number | null {
  const value = new Int32Array(1);
  const size = new Uint8Array(new Uint32Array([4]).buffer);
  const bytes = new Uint8Array(value.buffer);
  return c.getsockopt(fd, SOL_SOCKET, option, bytes, size) === 0 ? value[0] ?? null : null;
}

const AF_NETLINK = 16;
const NETLINK_SOCK_DIAG = 4;
const MSG_DONTWAIT = 0x40;

/** The queue of a Unix socket, for which getsockopt(2) has nothing: sock_diag(7) tells. */
function unixQueueLength(c: Libc, fd: number): number | null {
  const inode = socketInode(c, fd);
  if (inode === null) return null;
  const netlink = c.socket(AF_NETLINK, SOCKET_TYPE.RAW, NETLINK_SOCK_DIAG);
  if (netlink < 0) return null;
  const question = unixDiagRequest(inode);
  const answer = new Uint8Array(512);
  c.write(netlink, question, BigInt(question.length));
  // The kernel has answered when write(2) returns: nothing has to be waited for.
  const length = Number(c.recv(netlink, answer, BigInt(answer.length), MSG_DONTWAIT));
  c.close(netlink);
  return length < 0 ? null : receiveQueue(answer.subarray(0, length));
}

/** `struct nlmsghdr` of netlink(7), before question and answer. */
const HEADER_BYTES = 16;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const UDIAG_SHOW_RQLEN = 0x10;
const ANY = 0xffffffff;

/** `struct unix_diag_req`: the queues of the one socket with this inode, in any state. */
function unixDiagRequest(inode: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + 24));
  view.setUint32(0, view.byteLength, true);
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, true);
  view.setUint16(6, NLM_F_REQUEST, true);
  view.setUint8(HEADER_BYTES, FAMILY.UNIX);
  view.setUint32(HEADER_BYTES + 4, ANY, true);
  view.setUint32(HEADER_BYTES + 8, inode, true);
  view.setUint32(HEADER_BYTES + 12, UDIAG_SHOW_RQLEN, true);
  // A cookie that fits every socket.
  view.setUint32(HEADER_BYTES + 16, ANY, true);
  view.setUint32(HEADER_BYTES + 20, ANY, true);
  return new Uint8Array(view.buffer);
}

/** `struct unix_diag_msg`, which attributes follow. */
const DIAG_BYTES = 16;
const UNIX_DIAG_RQLEN = 4;
/** `struct nlattr`: length and type, then the value, filled up to four bytes. */
const ATTRIBUTE_BYTES = 4;

/** For a listening socket the length of its receive queue is that of its queue of connections. */
function receiveQueue(answer: Uint8Array): number | null {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  if (view.byteLength < HEADER_BYTES || view.getUint16(4, true) !== SOCK_DIAG_BY_FAMILY) {
    return null;
  }
  let at = HEADER_BYTES + DIAG_BYTES;
  while (at + ATTRIBUTE_BYTES + 4 <= view.byteLength) {
    const length = view.getUint16(at, true);
    if (view.getUint16(at + 2, true) === UNIX_DIAG_RQLEN) {
      return view.getUint32(at + ATTRIBUTE_BYTES, true);
    }
    at += Math.max(ATTRIBUTE_BYTES, Math.ceil(length / 4) * 4);
  }
  return null;
}
