/**
 * Paths in the file system: what this process made there, and takes away again.
 *
 * @module
 */

/** Something this process put at a path. */
export interface OwnedPath {
  readonly path: string;
  readonly inode: number | null;
}

/** Notes what is at the path now, as ours. */
export function ownPath(path: string): OwnedPath {
  const real = Deno.realPathSync(path);
  return { path: real, inode: Deno.lstatSync(real).ino };
}

/** Removes it, unless somebody else has put another thing there meanwhile. */
export function removeOwned({ path, inode }: OwnedPath): void {
  try {
    if (Deno.lstatSync(path).ino === inode) Deno.removeSync(path);
  } catch (error) {
    // Gone, or made by root in a directory where the user of `uid` may not remove it.
    const { NotFound, PermissionDenied } = Deno.errors;
    if (!(error instanceof NotFound || error instanceof PermissionDenied)) throw error;
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
