/**
 * Runs in the master. Reloads that changes in the file system ask for: `fs-reload`, and `auto-reload`
 * for developers, which watches what the script imports.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import type { Config } from "../../config/config.ts";
import type { MasterEvent } from "../../core/event.ts";
import { writtenPath } from "../../system/files/working_directory.ts";
import { FileWatch, type Watched } from "./inotify_watcher.ts";
import { logLine } from "../log.ts";
import { localFiles, moduleGraph, scriptFiles } from "../workers/module_graph.ts";
import { guarded } from "../guarded.ts";

type Reload = Extract<MasterEvent, { readonly type: "reload" }>;

/** What a change is to do. */
type ChangeAction = "all" | "brutal" | "auto";

const RELOADS: Readonly<Record<ChangeAction, Pick<Reload, "kind" | "brutal">>> = {
  all: { kind: "all" },
  brutal: { kind: "all", brutal: true },
  auto: { kind: "chain" },
};

/** Asks for reloads when files change. */
export class AutoReload {
  readonly #directory: () => string;
  readonly #report: (masterEvent: MasterEvent) => void;
  readonly #files = new FileWatch<ChangeAction>((wish, path) => this.#onChange(wish, path));
  #config: Config | null = null;
  /** The files of the script as they were found last. */
  #modules: readonly string[] = [];
  /** Counts the searches for them: only the newest one counts. */
  #search = 0;

  /** `directory` gives the path of the master's own, for the import map. */
  constructor(directory: () => string, report: (masterEvent: MasterEvent) => void) {
    this.#directory = directory;
    this.#report = report;
  }

  /** Watches what this configuration says, and nothing else. */
  watch(config: Config): void {
    this.#config = config;
    if (!config.autoReload) this.#modules = [];
    this.#files.watch(this.#watched(config));
    if (config.autoReload) this.#followModules(config);
  }

  /** Stops watching. */
  close(): void {
    this.#config = null;
    this.#search++;
    this.#files.close();
  }

  #watched({ fsReload, fsBrutalReload }: Config): Watched<ChangeAction>[] {
    const of = (paths: readonly string[], what: ChangeAction) =>
      paths.map((path) => ({ path: writtenPath(path), what }));
    return [...of(fsReload, "all"), ...of(fsBrutalReload, "brutal"), ...of(this.#modules, "auto")];
  }

  #onChange(wish: ChangeAction, path: string): void {
    if (this.#config === null) return;
    this.#report({ type: "reload", ...RELOADS[wish], why: `${path} has changed` });
    // What was saved may import other modules than before.
    if (wish === "auto") this.#followModules(this.#config);
  }

  #followModules(config: Config): void {
    guarded("see what the script imports", () => this.#findModules(config));
  }

  async #findModules(config: Config): Promise<void> {
    const search = ++this.#search;
    const files = await this.#filesOf(config);
    if (search !== this.#search) return;
    const before = this.#modules.length;
    this.#modules = [...new Set(files)];
    this.#files.watch(this.#watched(config));
    if (before === this.#modules.length) return;
    const count = this.#modules.length === 1 ? "1 file" : `${this.#modules.length} files`;
    logLine("info", `auto-reload watches ${count}`, { event: "autoReload", files: this.#modules });
  }

  async #filesOf(config: Config): Promise<readonly string[]> {
    const always = scriptFiles(config);
    try {
      const modules = await moduleGraph(config, this.#directory());
      const found = [...always, ...localFiles(modules)];
      // A module that cannot be parsed hides what it imports: the mistake may be mended there.
      const broken = modules.some(({ error }) => error !== undefined);
      return broken ? [...this.#modules, ...found] : found;
    } catch (error) {
      const reason = errorText(error);
      const text = `auto-reload cannot see what ${config.script} imports: ${reason}`;
      logLine("warning", text, { event: "autoReloadBlind" });
      return [...this.#modules, ...always];
    }
  }
}
