/**
 * Installs what peers need: Debian packages if this is root's bench, and packages from npm into a
 * temporary directory.
 *
 * @module
 */

import { Started } from "../servers.ts";
import type { Peer, Requirement } from "./peer.ts";

/** A peer cannot be compared here; the message says why. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

/**
 * Makes sure that everything is there that a peer needs.
 *
 * @param directory Where npm installs.
 * @throws {Unavailable} If it is not, and cannot be installed.
 */
export async function install(peer: Peer, directory: string): Promise<void> {
  const missing = await missingPackages(peer.requirements);
  if (missing.length > 0) {
    await installDebian(missing);
    const still = await missingPackages(peer.requirements);
    if (still.length > 0) {
      throw new Unavailable(`does not run although installed: ${still.join(" ")}`);
    }
  }
  if (peer.npm !== undefined) await installFromNpm(peer.npm, directory);
}

async function missingPackages(requirements: readonly Requirement[]): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const { check, debian } of requirements) {
    if (!await succeeds(check)) missing.push(debian);
  }
  return missing;
}

/** Whether a command is there and ends well. */
async function succeeds([program = "", ...args]: readonly string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args, stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function installDebian(packages: readonly string[]): Promise<void> {
  const line = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (Deno.uid() !== 0 || !await succeeds(["apt-get", "--version"])) {
    throw new Unavailable(`not installed, and only root can: ${line}`);
  }
  await run(line.split(" "), { DEBIAN_FRONTEND: "noninteractive" });
}

async function installFromNpm(packages: readonly string[], directory: string): Promise<void> {
  const quiet = ["--no-audit", "--no-fund", "--no-save"];
  await run(["npm", "install", ...quiet, "--prefix", directory, ...packages]);
}

async function run(command: readonly string[], env: Record<string, string> = {}): Promise<void> {
  console.error(`Running: ${command.join(" ")}`);
  try {
    await new Started({ command, env }).output();
  } catch (error) {
    const lines = error instanceof Error ? error.message.trim().split("\n") : [];
    throw new Unavailable(`could not be installed: ${lines.at(-1)}`);
  }
}
