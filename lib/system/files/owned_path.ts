/**
 * Paths in the file system: what this process made there, and takes away again.
 *
 * @module
 */

import type { FileStatus } from "./file_status.ts";
import { type Libc, libc, SystemCallError } from "../libc.ts";
import { openPlace, UnsafePathError } from "./trusted_path.ts";

/** Something this process put at a path. */
export interface OwnedPath {
  /** Without links. */
  readonly path: string;
  readonly inode: number | null;
  /** Number of the device; undefined: it is not known. */
  readonly device?: number;
}

/**
 * Notes what is at the path now, as ours.
 *
 * @throws {UnsafePathError} If the path cannot be trusted.
 * @throws {Error} If nothing is there.
 */
export function ownPath(path: string): OwnedPath {
  const c = libc();
  if (c === null) {
    const real = Deno.realPathSync(path);
    return { path: real, inode: Deno.lstatSync(real).ino };
  }
  using place = openPlace(c, path, { follow: false });
  const status = place.status();
  if (status === null) throw new Deno.errors.NotFound(`there is nothing at "${path}" any more`);
  return { path: place.path, inode: status.inode, device: status.device };
}

/** Removes it, unless somebody else has put another thing there meanwhile. */
export function removeOwned(owned: OwnedPath): void {
  const c = libc();
  try {
    if (c === null) {
      if (Deno.lstatSync(owned.path).ino === owned.inode) Deno.removeSync(owned.path);
      return;
    }
    using place = openPlace(c, owned.path, { follow: false });
    if (isOwned(place.status(), owned)) place.remove();
  } catch (error) {
    // Gone, out of reach by now, or made by root in a directory where the user of `uid` may not remove it.
    const { NotFound, PermissionDenied } = Deno.errors;
    if (error instanceof NotFound || error instanceof PermissionDenied) return;
    if (error instanceof SystemCallError || error instanceof UnsafePathError) return;
    throw error;
  }
}

/** Removes a file that is of no use any more. Somebody else may have done so: what cannot be removed stays. */
export function removeUseless(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Nobody reads it any more.
  }
}

/**
 * Makes it belong to somebody, or gives it a mode, or both.
 *
 * @throws {UnsafePathError} If somebody else has put another thing there.
 * @throws {SystemCallError} If the kernel refuses it.
 */
export function changeOwned(
  c: Libc,
  owned: OwnedPath,
  change: {
    readonly uid?: number | null;
    readonly gid?: number | null;
    readonly mode?: number | null;
  },
): void {
  using place = openPlace(c, owned.path, { follow: false });
  place.change(change, (status) => isOwned(status, owned));
}

/** True if this is still what was noted. */
export function isOwned(
  status: FileStatus | null,
  { inode, device }: OwnedPath,
): boolean {
  return status !== null && status.inode === inode && (device ?? status.device) === status.device;
}

/**
 * What has become of something that was put at a path: `foreign` if somebody else has put another thing
 * there.
 *
 * @throws {Error} If that cannot be seen: its directory is gone, or cannot be trusted any more.
 */
export function stateOfOwned(owned: OwnedPath): "ours" | "gone" | "foreign" {
  const c = libc();
  if (c === null) {
    if (!exists(owned.path)) return "gone";
    return Deno.lstatSync(owned.path).ino === owned.inode ? "ours" : "foreign";
  }
  using place = openPlace(c, owned.path, { follow: false });
  const status = place.status();
  if (status === null) return "gone";
  return isOwned(status, owned) ? "ours" : "foreign";
}

/** True if there is something at the path, a dangling link included. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
