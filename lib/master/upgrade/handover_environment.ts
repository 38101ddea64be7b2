/**
 * Whether a program takes over from the one that was here before: what every start looks at, while the
 * takeover itself is in `exec_master.ts`.
 *
 * @module
 */

/** Version of what is handed over. `--check` of another program refuses one that it does not know. */
export const HANDOVER_VERSION = 1;

/** Tells a new program where its handover is, and `--check` that there will be one. */
export const HANDOVER_VARIABLE = "DUWSGI_HANDOVER";

/** The environment in which `--check` looks whether the new program could take the handover. */
export const CHECK_ENVIRONMENT: Readonly<Record<string, string>> = {
  [HANDOVER_VARIABLE]: `version ${HANDOVER_VERSION}`,
};

/** True if this program takes over from another one, or is asked whether it could. */
export function isHandedOver(): boolean {
  return Deno.env.has(HANDOVER_VARIABLE);
}

/** For `--check`: why this program could not take the handover; null: it could, or need not. */
export function whyNoHandover(): string | null {
  const text = Deno.env.get(HANDOVER_VARIABLE);
  if (text === undefined || text === `version ${HANDOVER_VERSION}`) return null;
  return "This version of duwsgi cannot take over from the one that runs: stop that one first";
}
