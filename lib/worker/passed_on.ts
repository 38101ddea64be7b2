/**
 * Runs in the worker. Errors of Deno's own functions, for which a script has found others in their place.
 *
 * @module
 */

/**
 * Calls `act` for a script that has called `called`. An error begins where the script did that: no file of
 * duwsgi is where the mistake is.
 */
export function passOnErrors<T>(called: (...args: never[]) => unknown, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error) Error.captureStackTrace(error, called);
    throw error;
  }
}
