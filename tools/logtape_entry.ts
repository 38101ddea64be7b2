/**
 * What the program needs of LogTape, see `vendor.ts`.
 *
 * @module
 */

export {
  configureSync,
  getAnsiColorFormatter,
  getLogger,
  getTextFormatter,
} from "@logtape/logtape";
