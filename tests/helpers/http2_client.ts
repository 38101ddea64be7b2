/**
 * A client of HTTP/2 (RFC 9113) that shows what the server says: which streams end in order, and when it
 * asks its client to go. Deno's own clients hide that.
 *
 * @module
 */

/** How a client is made. */
export interface Http2Options {
  /**
   * It answers GOAWAY with its own, at once, as Node's does: the last stream that it names is 0, because the
   * server has begun none. @default false
   */
  readonly answersGoAway?: boolean;
}

/** What came of one stream. */
export interface StreamResult {
  readonly status: number;
  readonly text: string;
  /** False: it was reset, or the connection ended before it. */
  readonly complete: boolean;
}

const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  window: 8,
} as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
const HEADER_SIZE = 9;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

interface Stream {
  status: number;
  text: string;
  readonly done: PromiseWithResolvers<StreamResult>;
}

/** One connection. */
export class Http2Client {
  /** The last stream that the server takes; null: it has not asked its client to go. */
  lastStream: number | null = null;
  /** The connection has ended. */
  readonly closed: Promise<void>;
  readonly #conn: Deno.Conn;
  readonly #answersGoAway: boolean;
  readonly #streams = new Map<number, Stream>();
  #next = 1;
  #bytes = new Uint8Array(0);
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(conn: Deno.Conn, { answersGoAway = false }: Http2Options) {
    this.#conn = conn;
    this.#answersGoAway = answersGoAway;
    this.#write(encode(PREFACE), frame(FRAME.settings, 0, 0));
    this.closed = this.#read();
  }

  /** Connects with TLS and ALPN. */
  static async connect(
    port: number,
    caCerts: string[],
    options: Http2Options = {},
  ): Promise<Http2Client> {
    const alpnProtocols = ["h2"];
    const conn = await Deno.connectTls({ hostname: "localhost", port, caCerts, alpnProtocols });
    const { alpnProtocol } = await conn.handshake();
    if (alpnProtocol !== "h2") throw new Error(`The server chose ${alpnProtocol}`);
    return new Http2Client(conn, options);
  }

  /** Connects without TLS, knowing what the server speaks. */
  static async connectClear(port: number, options: Http2Options = {}): Promise<Http2Client> {
    return new Http2Client(await Deno.connect({ hostname: "127.0.0.1", port }), options);
  }

  /** The server has asked its client to go, for good: it named the last stream that it takes. */
  get isAskedToGo(): boolean {
    return this.lastStream !== null;
  }

  /** Number of streams that were begun. */
  get begun(): number {
    return (this.#next - 1) / 2;
  }

  /** GETs a page; `extra` are more header fields. */
  get(path: string, extra: Readonly<Record<string, string>> = {}): Promise<StreamResult> {
    const id = this.#next;
    this.#next += 2;
    const stream: Stream = { status: 0, text: "", done: Promise.withResolvers() };
    this.#streams.set(id, stream);
    const fields = {
      ":method": "GET",
      ":scheme": "https",
      ":authority": "localhost",
      ":path": path,
      ...extra,
    };
    const block = Object.entries(fields).flatMap(([name, value]) => [...field(name, value)]);
    const flags = END_STREAM | END_HEADERS;
    this.#write(frame(FRAME.headers, flags, id, Uint8Array.from(block)));
    return stream.done.promise;
  }

  /** Waits until something has been said about going. */
  async untilAskedToGo(): Promise<void> {
    while (!this.isAskedToGo) await this.#news.promise;
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    await this.#writing;
    try {
      this.#conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await this.closed;
  }

  #news = Promise.withResolvers<void>();
  #answered = false;

  async #read(): Promise<void> {
    const chunk = new Uint8Array(16_384);
    try {
      while (true) {
        const length = await this.#conn.read(chunk);
        if (length === null) break;
        this.#take(chunk.subarray(0, length));
      }
    } catch {
      // However it ends, the streams say what was lost.
    }
    for (const id of [...this.#streams.keys()]) this.#finish(id, false);
    this.lastStream ??= 0;
    this.#news.resolve();
    try {
      this.#conn.close();
    } catch {
      // Closed from this side.
    }
  }

  #take(chunk: Uint8Array): void {
    const bytes = new Uint8Array(this.#bytes.length + chunk.length);
    bytes.set(this.#bytes);
    bytes.set(chunk, this.#bytes.length);
    const view = new DataView(bytes.buffer);
    let at = 0;
    while (bytes.length - at >= HEADER_SIZE) {
      const length = view.getUint32(at) >> 8;
      const end = at + HEADER_SIZE + length;
      if (bytes.length < end) break;
      const id = view.getUint32(at + 5) & 0x7fff_ffff;
      this.#onFrame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, id, bytes.slice(at + HEADER_SIZE, end));
      at = end;
    }
    this.#bytes = bytes.slice(at);
  }

  #onFrame(type: number, flags: number, id: number, payload: Uint8Array<ArrayBuffer>): void {
    const stream = this.#streams.get(id);
    switch (type) {
      case FRAME.headers:
        // The first field of a response is its status, and 200 has a number of its own (RFC 7541, A).
        if (stream !== undefined) stream.status = payload[0] === 0x88 ? 200 : -1;
        break;
      case FRAME.data:
        if (stream !== undefined) stream.text += new TextDecoder().decode(payload);
        if (payload.length > 0) this.#write(moreWindow(0, payload.length));
        break;
      case FRAME.reset:
        return this.#finish(id, false);
      case FRAME.settings:
        if ((flags & ACK) === 0) this.#write(frame(FRAME.settings, ACK, 0));
        return;
      case FRAME.ping:
        if ((flags & ACK) === 0) this.#write(frame(FRAME.ping, ACK, 0, payload));
        return;
      case FRAME.goAway: {
        const last = new DataView(payload.buffer).getUint32(0) & 0x7fff_ffff;
        if (this.#answersGoAway && !this.#answered) {
          this.#answered = true;
          this.#write(frame(FRAME.goAway, 0, 0, new Uint8Array(8)));
        }
        // The first one names no stream: requests may be on their way.
        if (last !== 0x7fff_ffff) this.lastStream = last;
        this.#news.resolve();
        this.#news = Promise.withResolvers();
        return;
      }
    }
    if ((flags & END_STREAM) !== 0) this.#finish(id, true);
  }

  #finish(id: number, complete: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    stream.done.resolve({ status: stream.status, text: stream.text, complete });
  }

  #write(...frames: readonly Uint8Array[]): void {
    this.#writing = this.#writing.then(async () => {
      for (const bytes of frames) {
        for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
      }
    }).catch(() => {});
  }
}

function frame(
  type: number,
  flags: number,
  id: number,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | type);
  view.setUint8(4, flags);
  view.setUint32(5, id);
  bytes.set(payload, HEADER_SIZE);
  return bytes;
}

function moreWindow(id: number, bytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, bytes);
  return frame(FRAME.window, 0, id, payload);
}

/** A literal field without indexing (RFC 7541, 6.2.2), of names and values below 127 bytes. */
function field(name: string, value: string): Uint8Array {
  return Uint8Array.from([0, name.length, ...encode(name), value.length, ...encode(value)]);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
