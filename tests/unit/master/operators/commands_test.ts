/** Who commands a master, and who is told what came of it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { commandNamed } from "../../../../lib/control/commands.ts";
import { type CommandAnswer, decodeAnswer, type Request } from "../../../../lib/control/message.ts";
import { defaults } from "../../../../lib/config/resolve.ts";
import type { MasterEvent } from "../../../../lib/core/event.ts";
import type { Verdict } from "../../../../lib/core/verdict.ts";
import { OPERATOR_SOCKET } from "../../../../lib/control/commands.ts";
import { DirectorySocket } from "../../../../lib/master/sockets/directory_socket.ts";
import { CommandDispatcher } from "../../../../lib/master/operators/commands.ts";
import { MOST_SESSIONS } from "../../../../lib/master/operators/control_sessions.ts";
import type { Resources } from "../../../../lib/master/resources.ts";
import { Channel } from "../../../../lib/protocol/channel.ts";
import { stateOf } from "../../../helpers/master_state.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const verdict: Verdict = {
  outcome: "rolled-back",
  generation: 1,
  tookMs: 5,
  slots: [],
  failures: [{ slot: 2, why: "exited with code 1" }],
  text: "Chain reload failed",
};

/** Operators of a master that only notes what it is asked for. */
class Desk implements AsyncDisposable {
  readonly directory = new TempDirectory();
  readonly asked: MasterEvent[] = [];
  readonly operators: CommandDispatcher;
  #news = Promise.withResolvers<void>();

  constructor() {
    const resources = {
      libc: null,
      control: {
        directory: this.directory.path,
        ensureDirectory: () => this.directory.path,
        open: (
          name: string,
          problem: string,
          begin: (connection: Deno.UnixConn) => void,
        ) => new DirectorySocket(this.directory.path, name, problem, begin),
        keepLooking: () => {},
      },
      listeners: { sockets: [] },
      scoreboard: { get: () => 0 },
    } as unknown as Resources;
    this.operators = new CommandDispatcher({
      resources,
      configuration: [],
      report: (masterEvent) => {
        this.asked.push(masterEvent);
        this.#news.resolve();
      },
      state: () => stateOf(),
      walls: () => [],
      nudge: () => null,
      whyNotCheap: () => null,
      stats: () => Promise.reject(new Error("nobody asks here")),
      config: () => defaults(),
    });
  }

  /** Opens the socket, as a master does. */
  async open(): Promise<void> {
    await this.operators.open();
    this.operators.watch();
  }

  /** Calls; what it says is for the test to read. */
  async call(): Promise<
    { ask: (request: Request) => void; next: () => Promise<CommandAnswer | null> }
  > {
    const path = this.directory.at(OPERATOR_SOCKET);
    const stream = await Deno.connect({ transport: "unix", path });
    const channel = new Channel<CommandAnswer, Request>(stream, decodeAnswer);
    this.#calls.push(channel);
    const answers = channel.receive();
    return {
      ask: (request) => channel.send(request),
      next: async () => (await answers.next()).value ?? null,
    };
  }

  readonly #calls: Channel<CommandAnswer, Request>[] = [];

  /** The tickets of what was asked for, once there are so many. */
  async tickets(count: number): Promise<number[]> {
    while (this.asked.length < count) {
      await this.#news.promise;
      this.#news = Promise.withResolvers();
    }
    return this.asked.map((one) => "ticket" in one ? one.ticket ?? -1 : -1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const channel of this.#calls) channel.close();
    await this.operators.close("stopped");
    this.directory[Symbol.dispose]();
  }
}

const reload: Request = { command: "chain-reload", argument: null, wait: true };

Deno.test("Operators give everybody who waits the verdict of their own ticket", async () => {
  await using desk = new Desk();
  await desk.open();
  const [one, two, three] = [await desk.call(), await desk.call(), await desk.call()];
  for (const call of [one, two, three]) {
    call.ask(reload);
    assertEquals(await call.next(), {
      type: "accepted",
      text: "chain-reload was asked for",
      pid: Deno.pid,
      generation: 1,
    });
  }
  const [first = 0, second = 0, third = 0] = await desk.tickets(3);
  assertEquals(new Set([first, second, third]).size, 3);
  const done: Verdict = { ...verdict, outcome: "done" };
  desk.operators.verdict([second], done);
  assertEquals(await two.next(), { type: "verdict", verdict: done, stops: false });
  desk.operators.verdict([first, third, 4711], verdict);
  desk.operators.verdict([first], done);
  for (const call of [one, three]) {
    assertEquals(await call.next(), { type: "verdict", verdict, stops: false });
  }
});

Deno.test("Operators have no ticket for who does not wait", async () => {
  await using desk = new Desk();
  await desk.open();
  const call = await desk.call();
  call.ask({ command: "scale", argument: "+1", wait: false });
  assertEquals((await call.next())?.type, "accepted");
  assertEquals(desk.asked, [{ type: "scale", processes: 5, why: "ctl" }]);
  // The conversation goes on.
  call.ask({ command: "help", argument: null, wait: false });
  assertEquals((await call.next())?.type, "result");
});

Deno.test("Operators tell who still waits what the end of the master means to them", async () => {
  await using desk = new Desk();
  await desk.open();
  const [stop, other] = [await desk.call(), await desk.call()];
  stop.ask({ ...reload, command: "stop" });
  other.ask(reload);
  await desk.tickets(2);
  await desk.operators.close("stopped");
  const outcomes: unknown[] = [];
  for (const call of [stop, other]) {
    assertEquals((await call.next())?.type, "accepted");
    const answer = await call.next();
    if (answer?.type !== "verdict") throw new TypeError(JSON.stringify(answer));
    outcomes.push([answer.verdict.outcome, answer.stops]);
    assertEquals(await call.next(), null);
  }
  assertEquals(outcomes, [["done", true], ["cancelled", false]]);
});

Deno.test("Operators end the conversation with who asks for what there is not", async () => {
  await using desk = new Desk();
  await desk.open();
  const cases: readonly [request: Partial<Request>, text: RegExp][] = [
    [{ command: "chain-relod" }, /Unknown command.*did you mean "chain-reload"/],
    [{ argument: "now" }, /chain-reload takes no argument/],
    [{ command: "scale", argument: "x" }, /scale expects/],
    [{ command: "rotate-logs" }, /nothing to do here/],
  ];
  for (const [request, text] of cases) {
    const call = await desk.call();
    call.ask({ ...reload, ...request });
    const answer = await call.next();
    assert(answer?.type === "error" && text.test(answer.text), JSON.stringify(answer));
    assertEquals(await call.next(), null);
  }
  assertEquals(desk.asked, []);
});

Deno.test("Operators talk with many clients at a time, and not with more", async () => {
  await using desk = new Desk();
  await desk.open();
  const calls = [];
  for (let i = 0; i < MOST_SESSIONS; i++) {
    const call = await desk.call();
    call.ask({ ...reload, command: "workers" });
    assertEquals((await call.next())?.type, "result");
    calls.push(call);
  }
  const answer = await (await desk.call()).next();
  assert(answer?.type === "error" && /try again later/.test(answer.text), JSON.stringify(answer));
  calls[0]?.ask({ ...reload, command: "help" });
  assertEquals((await calls[0]?.next())?.type, "result");
});

Deno.test("Operators call the hooks of those who have some", async () => {
  await using desk = new Desk();
  const order = { argument: null, why: "a test" };
  const reopen = commandNamed("reopen-logs");
  assertThrows(() => desk.operators.take(reopen, order), Error, "nothing to do here");
  let called = 0;
  desk.operators.hooks.reopenLogs = () => void called++;
  desk.operators.command("reopen-logs", "a test");
  assertEquals(desk.operators.take(reopen, order), {
    text: "reopen-logs is done",
    generation: 1,
    verdict: null,
  });
  assertEquals(called, 2);
  desk.operators.hooks.rotateLogs = () => {
    throw new Error("the disk is full");
  };
  // Nobody is there to be told but the log.
  desk.operators.command("rotate-logs", "a test");
});
