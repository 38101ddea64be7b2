/**
 * One client of a load run: what a scenario's session is written with.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import { decode, readBody, readOkHead, type ResponseHead } from "./http.ts";
import { LoadFailure } from "./failure.ts";
import type { ScenarioReport } from "./report.ts";
import type { LoadRun } from "./run.ts";
import type { ScenarioName } from "./scenario.ts";

/** A client, which plays its scenario's session over and over until the run stops. */
export class Client {
  readonly run: LoadRun;
  /** The counters of its scenario. */
  readonly report: ScenarioReport;

  constructor(run: LoadRun, scenario: ScenarioName) {
    this.run = run;
    this.report = run.counters.of(scenario);
  }

  /** Makes a connection for as long as `use` takes. */
  connected(use: (connection: Connection) => Promise<void>): Promise<void> {
    return this.run.connected(async (connection) => {
      this.report.connections += 1;
      await use(connection);
    });
  }

  /** Does one request: counted as answered, with its duration, unless `ask` throws. */
  async request<T>(connection: Connection, ask: () => Promise<T>): Promise<T> {
    const started = performance.now();
    connection.deadline = started + this.run.timeoutMs;
    const answer = await ask();
    connection.deadline = Infinity;
    this.report.slowestMs = Math.max(this.report.slowestMs, performance.now() - started);
    this.report.ok += 1;
    return answer;
  }

  /** Asks for `/` and notes who answered. */
  askIdentity(connection: Connection, request: Uint8Array): Promise<ResponseHead> {
    return this.request(connection, async () => {
      await connection.send(request);
      return await this.readIdentity(connection);
    });
  }

  /** Reads the answer to `/`. */
  async readIdentity(connection: Connection): Promise<ResponseHead> {
    const head = await readOkHead(connection);
    const text = decode(await readBody(connection, head));
    if (!this.run.counters.identify(text)) {
      throw new LoadFailure("wrong-body", `/ answered ${JSON.stringify(text.slice(0, 200))}`);
    }
    return head;
  }

  /**
   * Waits for the end that the server announced. On a Unix socket and with TLS the client goes
   * first, which it may do in any case: there, Deno's server cannot be made to.
   */
  async awaitEnd(connection: Connection): Promise<void> {
    if ("path" in this.run.target || "caCerts" in this.run.target) return;
    connection.deadline = performance.now() + this.run.timeoutMs;
    await connection.awaitEnd();
  }
}
