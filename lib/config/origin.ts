/**
 * Where values were written, and the two shapes of values that grammars and options share.
 *
 * @module
 */

/** Where a value was written: shown in every message about it. */
export interface Origin {
  /** The file as the user named it, `<stdin>`, `<command line>`, or `<environment>`. */
  readonly file: string;
  /** Line in that file, counted from 1; the position of the argument for the command line. */
  readonly line: number;
}

/** One use of an option whose value has a grammar of its own. */
export interface OptionLine {
  /** The name it was written with, which is part of what it means. */
  readonly option: string;
  /** The value as written. */
  readonly text: string;
  /** Where it was written. */
  readonly origin: Origin;
}

/** The files that a TLS socket needs, as written. */
export interface CertificateFiles {
  /** The certificate, and those that lead from it to a root, in PEM. */
  readonly certificate: string;
  /** Its private key, in PEM, without a passphrase. */
  readonly key: string;
}

/** One configured listening address, in the order of the configuration. */
export interface SocketSpec {
  /** The option that asked for it, which names the protocol spoken on it. */
  readonly option: "socket" | "http-socket" | "https-socket" | "uwsgi-socket";
  /** The address as written, for example `:8080`, `/run/app.sock`, `@name` or `fd://3`. */
  readonly text: string;
  /** Where it was written. */
  readonly origin: Origin;
  /** The files of its certificate; absent: no TLS. */
  readonly tls?: CertificateFiles;
}
