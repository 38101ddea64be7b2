/**
 * What a row of the option table holds beside its names: how its value is read, its default, and what
 * a change of it takes.
 *
 * @module
 */

import type * as kind from "./option_kind.ts";
import type { NamedRow } from "./option_row.ts";

/**
 * What it takes for a changed value to be in force after the configuration was read again:
 * `master` – the master simply uses it from then on; `workers` – the workers are replaced, which a
 * reload does anyway; `exec` – the master's program is replaced in place, which a reload does where it
 * has to; `restart` – the master must be stopped and started.
 */
export type OnChange = "master" | "workers" | "exec" | "restart";

/** The row of an option whose value has the type `T`. */
export interface OptionSpec<T> extends NamedRow {
  /** How its value is read and written. */
  readonly kind: kind.OptionKind<T>;
  /** Its value when it is not set. */
  readonly default: T;
  /** What help says about the default where the value itself does not speak. */
  readonly defaultText?: string;
  /** What a changed value needs. */
  readonly onChange: OnChange;
}

/** The rows for the keys of a part of the configuration. */
export type OptionRows<C> = { readonly [K in keyof C]: OptionSpec<C[K]> };
