/**
 * Runs in the master. The certificates of TLS sockets: read from their files once for each generation
 * of workers, tried, and handed to these in memory without a name. So a key is never in a command line,
 * an environment or a file of ours, and one that only root may read is read before privileges go.
 *
 * @module
 */

import { readRegularText } from "../../system/files/regular_file.ts";
import { X509Certificate } from "node:crypto";
import { errorText, needsForeignFunctions, UserError } from "../../errors.ts";
import type { Certificates } from "../../protocol/worker_environment.ts";
import { createAnonymousFile } from "../../system/shared_memory.ts";
import type { Libc } from "../../system/libc.ts";
import { logLine } from "../log.ts";
import type { ListenSpec } from "./listen_spec.ts";

/** What the files of the configured sockets hold. */
export interface CertificateReading {
  readonly certificates: Certificates;
  /** What clients will complain about, and what others could take. */
  readonly warnings: readonly string[];
}

/**
 * Reads the files of all TLS sockets.
 *
 * @throws {UserError} If one cannot be read, or cannot be used.
 */
export function readCertificates(sockets: readonly ListenSpec[]): CertificateReading {
  const certificates: Record<string, Certificates[string]> = {};
  const warnings: string[] = [];
  for (const spec of sockets) {
    if (spec.tls === undefined) continue;
    const where = placeOf(spec);
    const cert = readPem(spec.tls.certificate, "certificate", where);
    const key = readPem(spec.tls.key, "key", where);
    tryPair(cert, key, spec.tls, where);
    certificates[spec.text] = { cert, key };
    if (isReadByAll(spec.tls.key)) {
      warnings.push(
        `The key "${spec.tls.key}" of ${where} can be read by every user: chmod o-r it`,
      );
    }
    const complaint = complaintAbout(cert, Date.now());
    if (complaint === null) continue;
    warnings.push(`The certificate "${spec.tls.certificate}" of ${where} ${complaint}`);
  }
  return { certificates, warnings };
}

/** The certificates of an instance, by generation. */
export class CertificateKeeper {
  readonly #libc: Libc;
  /** What was read at the start, until the first generation takes it. */
  #first: CertificateReading | null;
  readonly #descriptors = new Map<number, number>();

  private constructor(c: Libc, first: CertificateReading) {
    this.#libc = c;
    this.#first = first;
  }

  /**
   * Reads them for the first time.
   *
   * @throws {UserError} If they cannot be used.
   */
  static open(c: Libc | null, sockets: readonly ListenSpec[]): CertificateKeeper {
    const [secure] = sockets.filter(({ tls }) => tls !== undefined);
    if (c === null) throw needsForeignFunctions(secure ? placeOf(secure) : "https-socket");
    return new CertificateKeeper(c, readCertificates(sockets));
  }

  /**
   * Has certificates for a generation: as their files are now.
   *
   * @throws {UserError} If they cannot be used.
   */
  prepare(generation: number, sockets: readonly ListenSpec[]): void {
    const { certificates, warnings } = this.#first ?? readCertificates(sockets);
    this.#first = null;
    for (const text of warnings) logLine("warning", text, { event: "certificate" });
    const text = JSON.stringify(certificates);
    this.#descriptors.set(generation, createAnonymousFile(this.#libc, "duwsgi-certificates", text));
  }

  /** The master may have become another user: says so if that one cannot read them for a reload. */
  tryAgain(sockets: readonly ListenSpec[]): void {
    try {
      readCertificates(sockets);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      logLine("warning", `Reloads will fail. ${error.message}`, { event: "certificate" });
    }
  }

  /** The descriptor of what was prepared for a generation. */
  descriptor(generation: number): number | null {
    return this.#descriptors.get(generation) ?? null;
  }

  /** Nobody of an older generation will be started any more. */
  forgetBefore(generation: number): void {
    for (const [old, fd] of this.#descriptors) {
      if (old >= generation) continue;
      this.#libc.close(fd);
      this.#descriptors.delete(old);
    }
  }

  /** Forgets everything. */
  close(): void {
    this.forgetBefore(Infinity);
  }
}

function placeOf({ option, text, origin }: ListenSpec): string {
  return `${option} "${text}" (${origin.file}:${origin.line})`;
}

function readPem(path: string, what: string, where: string): string {
  try {
    return readRegularText(path);
  } catch (error) {
    const start = `Cannot read the ${what} "${path}" of ${where}`;
    throw new UserError("configuration", `${start}: ${reasonOf(error)}`, { cause: error });
  }
}

const READ_BY_OTHERS = 0o004;

/** Whether the mode of the file allows that; directories above it may still refuse it. */
function isReadByAll(path: string): boolean {
  return ((Deno.statSync(path).mode ?? 0) & READ_BY_OTHERS) !== 0;
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "it does not exist";
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied: the master's user must be able to read it, also for reloads";
  }
  return errorText(error);
}

/** Has Deno look at both, as it will in the workers. */
function tryPair(
  cert: string,
  key: string,
  files: NonNullable<ListenSpec["tls"]>,
  where: string,
): void {
  const fail = (text: string): never => {
    throw new UserError("configuration", text);
  };
  if (!cert.includes("-----BEGIN CERTIFICATE-----")) {
    fail(`There is no certificate in "${files.certificate}" of ${where}: it must be PEM`);
  }
  if (/-----BEGIN ENCRYPTED|^Proc-Type:.*ENCRYPTED/m.test(key)) {
    fail(
      `The key "${files.key}" of ${where} has a passphrase, which nobody is there to type: ` +
        "remove it with openssl pkey",
    );
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) {
    fail(`There is no private key in "${files.key}" of ${where}: it must be PEM`);
  }
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  } catch (error) {
    const reason = errorText(error);
    const { certificate, key: keyFile } = files;
    if (reason.includes("KeyMismatch")) {
      fail(`The key "${keyFile}" of ${where} does not belong to the certificate "${certificate}"`);
    }
    fail(`Deno cannot use "${certificate}" and "${keyFile}" of ${where}: ${reason}`);
  }
}

/** What a client will find wrong with the date of a certificate. */
function complaintAbout(cert: string, now: number): string | null {
  const { validFrom, validTo } = new X509Certificate(cert);
  if (Date.parse(validTo) < now) return `expired on ${validTo}: clients will refuse it`;
  if (Date.parse(validFrom) > now) {
    return `is not valid before ${validFrom}: clients will refuse it`;
  }
  return null;
}
