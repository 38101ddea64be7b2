/**
 * Deno's language server, as an editor talks to it.
 *
 * @module
 */

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly items?: readonly unknown[] };
  readonly result?: unknown;
}

/** A language server for one directory. Use it with `await using`. */
export class LanguageServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  readonly #done: Promise<void>;
  #next = 1;

  /** Starts it. */
  constructor(directory: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["lsp", "--quiet"],
      cwd: directory,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#done = this.#read();
  }

  /** Names that an editor offers at the end of a text of this file. */
  async completions(directory: string, name: string, text: string): Promise<readonly string[]> {
    const uri = `file://${directory}/${name}`;
    const lines = text.split("\n");
    await this.#ask("initialize", {
      processId: Deno.pid,
      rootUri: `file://${directory}`,
      workspaceFolders: [{ uri: `file://${directory}`, name: "app" }],
      capabilities: { workspace: { configuration: true } },
    });
    await this.#send({ method: "initialized", params: {} });
    const textDocument = { uri, languageId: "typescript", version: 1, text };
    await this.#send({ method: "textDocument/didOpen", params: { textDocument } });
    const position = { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 };
    const result = await this.#ask("textDocument/completion", { textDocument: { uri }, position });
    const { items = [] } = (result ?? {}) as { items?: readonly { readonly label: string }[] };
    return items.map(({ label }) => label);
  }

  async #ask(method: string, params: unknown): Promise<unknown> {
    const id = this.#next++;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, resolve);
    await this.#send({ id, method, params });
    return await promise;
  }

  async #send(message: Record<string, unknown>): Promise<void> {
    const body = new TextEncoder().encode(JSON.stringify({ jsonrpc: "2.0", ...message }));
    await this.#writer.write(new TextEncoder().encode(`Content-Length: ${body.length}\r\n\r\n`));
    await this.#writer.write(body);
  }

  async #read(): Promise<void> {
    let bytes = new Uint8Array();
    for await (const chunk of this.#child.stdout) {
      bytes = new Uint8Array([...bytes, ...chunk]);
      for (let next = take(bytes); next !== null; next = take(bytes)) {
        bytes = next.rest;
        await this.#receive(next.message);
      }
    }
  }

  async #receive({ id, method, params, result }: Message): Promise<void> {
    if (id === undefined) return;
    if (method === undefined) {
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    } else if (method === "workspace/configuration") {
      await this.#send({ id, result: params?.items?.map(() => ({ enable: true })) ?? [] });
    } else await this.#send({ id, result: null });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ask("shutdown", null);
    await this.#send({ method: "exit" });
    await this.#writer.close().catch(() => {});
    await this.#child.status;
    await this.#done;
  }
}

/** The first whole message; null: it is still on its way. */
function take(
  bytes: Uint8Array<ArrayBuffer>,
): { readonly message: Message; readonly rest: Uint8Array<ArrayBuffer> } | null {
  // The head is ASCII, so its characters are its bytes.
  const text = new TextDecoder("latin1").decode(bytes);
  const [head = "", length] = /^[^]*?Content-Length: (\d+)[^]*?\r\n\r\n/i.exec(text) ?? [];
  if (length === undefined) return null;
  const end = head.length + Number(length);
  if (bytes.length < end) return null;
  const body = new TextDecoder().decode(bytes.subarray(head.length, end));
  return { message: JSON.parse(body) as Message, rest: bytes.slice(end) };
}
