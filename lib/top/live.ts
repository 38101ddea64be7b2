/**
 * The live view: looks at an instance again and again, shows it, and does what keys ask for.
 *
 * @module
 */

import { UserError } from "../errors.ts";
import { pause } from "../system/timing.ts";
import { frame } from "./frame.ts";
import { type Model, nextModel } from "./model.ts";
import { parseStats, type SeenStats } from "./seen_stats.ts";
import type { InstanceSource } from "./source.ts";
import { Terminal } from "./terminal.ts";
import { painted } from "./text.ts";
import { FIRST_UI, press, type ReloadCommand, type Ui } from "./ui.ts";

/** What a live view needs. */
export interface LiveSetup {
  readonly source: InstanceSource;
  /** Milliseconds between two looks. */
  readonly intervalMs: number;
  readonly colours: boolean;
  /** Asks the master of these stats for a reload, and returns what there is to say about it. */
  readonly reload: (stats: SeenStats, command: ReloadCommand) => Promise<string>;
}

/** A look at the instance, with the document it was made of. */
export interface Snapshot {
  readonly model: Model;
  readonly document: unknown;
}

/**
 * Looks once more.
 *
 * @throws {UserError} If there is nothing to see.
 */
export async function lookAt(source: InstanceSource, before: Model | null): Promise<Snapshot> {
  const document = await source.fetch();
  try {
    return { model: nextModel(before, parseStats(document), performance.now()), document };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError(
      "unreachable",
      `What ${source.name} sends is no document of a stats server: ${error.message}`,
    );
  }
}

/** Runs until somebody wants to quit; returns the signal that ended it, if one did. */
export async function runLive(setup: LiveSetup, first: Model): Promise<Deno.Signal | null> {
  const { promise: ended, resolve: end } = Promise.withResolvers<Deno.Signal | null>();
  const view = new LiveView(setup, first);
  using terminal = new Terminal({
    onKey: (key) => view.press(key, terminal, end),
    onRedraw: () => view.draw(terminal),
    onEnd: end,
  });
  // What is still awaited at the end goes with the program.
  return await Promise.race([ended, view.run(terminal)]);
}

/** A note goes after this time, so that the keys below it can be seen again (5 s). */
const NOTE_MS = 5_000;

/** What is known, and what is to be seen of it. */
class LiveView {
  readonly #setup: LiveSetup;
  #model: Model;
  #ui: Ui = FIRST_UI;
  #trouble: string | null = null;
  /** The note that is shown, and since when. */
  #noted: { readonly note: string | null; readonly since: number } = { note: null, since: 0 };

  constructor(setup: LiveSetup, first: Model) {
    this.#setup = setup;
    this.#model = first;
  }

  /** Looks and draws, again and again. */
  async run(terminal: Terminal): Promise<never> {
    while (true) {
      this.draw(terminal);
      await pause(this.#setup.intervalMs);
      await this.#look();
      this.#forgetNote();
    }
  }

  #forgetNote(): void {
    const { note } = this.#ui;
    const now = performance.now();
    if (note !== this.#noted.note) this.#noted = { note, since: now };
    if (note !== null && now - this.#noted.since >= NOTE_MS) this.#ui = { ...this.#ui, note: null };
  }

  async #look(): Promise<void> {
    try {
      this.#model = (await lookAt(this.#setup.source, this.#model)).model;
      this.#trouble = null;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#trouble = error.message;
    }
  }

  draw(terminal: Terminal): void {
    const lines = frame(this.#model, this.#ui, {
      ...terminal.size,
      address: this.#setup.source.name,
      trouble: this.#trouble,
      wallMs: Date.now(),
    });
    terminal.draw(lines.map((line) => painted(line, this.#setup.colours)));
  }

  press(key: string, terminal: Terminal, quit: (signal: null) => void): void {
    const { ui, wish } = press(this.#ui, key, this.#model, Date.now());
    this.#ui = ui;
    if (wish?.kind === "quit") return quit(null);
    if (wish?.kind === "suspend") terminal.suspend();
    if (wish?.kind === "redraw") terminal.clear();
    if (wish?.kind === "reload") void this.#reload(wish.command, terminal);
    this.draw(terminal);
  }

  async #reload(command: ReloadCommand, terminal: Terminal): Promise<void> {
    let note: string;
    try {
      note = await this.#setup.reload(this.#model.stats, command);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      note = error.message;
    }
    this.#ui = { ...this.#ui, note };
    this.draw(terminal);
  }
}

/** Two looks, so that there are rates; with an interval of 0 only one. */
export async function lookTwice(source: InstanceSource, intervalMs: number): Promise<Snapshot> {
  const first = await lookAt(source, null);
  if (intervalMs === 0) return first;
  await pause(intervalMs);
  return await lookAt(source, first.model);
}
