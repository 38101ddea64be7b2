/**
 * Runs in the worker, as a second preload and only when workers have names: gives this one its name.
 *
 * @module
 */

import { setProcessName } from "../system/process/process_name.ts";
import { instanceAccess } from "./instance.ts";

const currentInstance = instanceAccess();

const { libc, environment } = currentInstance();
if (libc !== null && environment.processName !== null) {
  setProcessName(libc, environment.processName);
}
