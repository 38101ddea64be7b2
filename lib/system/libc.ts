/**
 * The C library, as far as Deno's own interface does not reach: sockets that are inherited, epoll
 * registrations, shared memory. Every other module asks {@linkcode libc}; when foreign functions are
 * refused or the platform is another one, it answers null and the caller takes its fallback.
 *
 * @module
 */

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  open_create: { name: "open", parameters: ["buffer", "i32", "u32"], result: "i32" },
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "isize" },
  mkdirat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  mkfifoat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  renameat: { parameters: ["i32", "buffer", "i32", "buffer"], result: "i32" },
  chmod: { parameters: ["buffer", "u32"], result: "i32" },
  fchownat: { parameters: ["i32", "buffer", "u32", "u32", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "i64"], result: "i32" },
  geteuid: { parameters: [], result: "u32" },
  access: { parameters: ["buffer", "i32"], result: "i32" },
  fchown: { parameters: ["i32", "u32", "u32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  rmdir: { parameters: ["buffer"], result: "i32" },
  dup3: { parameters: ["i32", "i32", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  fcntl_lock: { name: "fcntl", parameters: ["i32", "i32", "buffer"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  poll_waiting: {
    name: "poll",
    parameters: ["buffer", "u64", "i32"],
    result: "i32",
    nonblocking: true,
  },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  getpwnam: { parameters: ["buffer"], result: "pointer" },
  getpwuid: { parameters: ["u32"], result: "pointer" },
  getgrnam: { parameters: ["buffer"], result: "pointer" },
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  pthread_sigmask: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getgrouplist: { parameters: ["buffer", "u32", "buffer", "buffer"], result: "i32" },
  setgroups: { parameters: ["usize", "buffer"], result: "i32" },
  setgid: { parameters: ["u32"], result: "i32" },
  setuid: { parameters: ["u32"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
  sched_getaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  getppid: { parameters: [], result: "i32" },
  syscall: {
    parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"],
    result: "i64",
  },
  setsid: { parameters: [], result: "i32" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  landlock_create_ruleset: {
    name: "syscall",
    parameters: ["i64", "buffer", "u64", "u64"],
    result: "i64",
  },
  landlock_add_rule: {
    name: "syscall",
    parameters: ["i64", "i64", "i64", "buffer", "u64"],
    result: "i64",
  },
  landlock_restrict_self: {
    name: "syscall",
    parameters: ["i64", "i64", "u64"],
    result: "i64",
  },
  signal: { parameters: ["i32", "pointer"], result: "pointer" },
  alarm: { parameters: ["u32"], result: "u32" },
  system_call: { name: "syscall", parameters: ["i64", "i64", "i64", "buffer"], result: "i64" },
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * dlsym(3), whose handle is passed as a structure that holds only it, which every Linux ABI passes as
 * the pointer itself: for functions that take structures, Deno compiles no trampoline.
 */
const DLSYM = {
  dlsym: { parameters: [{ struct: ["pointer"] }, "buffer"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

type Dlsym = Deno.DynamicLibrary<typeof DLSYM>["symbols"]["dlsym"];

/** `RTLD_DEFAULT`: all libraries of the process. */
const RTLD_DEFAULT = new Uint8Array(8);

/** The functions of the C library that duwsgi calls, by name (some have several forms). */
export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] & {
  /** The address of a function, for functions that take one. */
  readonly addressOf: (name: string) => Deno.PointerValue;
  /** `errno(3)`. */
  readonly errno: () => number;
  /** What `strerror(3)` says of an error number. */
  readonly errorText: (errno: number) => string;
};

/** Error numbers of `errno(3)` that callers tell apart (the same on every Linux that Deno runs on). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  EEXIST: 17,
  ENOTDIR: 20,
  ENXIO: 6,
  ELOOP: 40,
  EMFILE: 24,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  EINPROGRESS: 115,
} as const;

/** A system call that failed: which one, and the reason in the words of `strerror(3)`. */
export class SystemCallError extends Error {
  /** The call, for example `bind`. */
  readonly call: string;
  /** The error number, see {@linkcode ERRNO}. */
  readonly errno: number;
  /** What `strerror(3)` says of it, for example `Address already in use`. */
  readonly reason: string;

  /** Takes the call, its error number and the words for it. */
  constructor(call: string, errno: number, reason: string) {
    super(`Cannot ${call}: ${reason}`);
    this.name = "SystemCallError";
    this.call = call;
    this.errno = errno;
    this.reason = reason;
  }
}

/** Where dlsym(3) is: in the C library itself since glibc 2.34, before that in a library of its own. */
const FILES = ["libc.so.6", "libdl.so.2"] as const;

let opened: Libc | null | undefined;

/**
 * The C library, opened once. Null where duwsgi's tricks do not apply: foreign functions are refused
 * (no `--allow-ffi`), or the platform is not Linux.
 */
export function libc(): Libc | null {
  if (opened === undefined) opened = Deno.build.os === "linux" ? open() : null;
  return opened;
}

/** From now on there is none: the permission for foreign functions is given back. */
export function forgetLibc(): void {
  opened = null;
}

function open(): Libc | null {
  for (const file of FILES) {
    try {
      return functions(Deno.dlopen(file, DLSYM).symbols.dlsym);
    } catch {
      // Refused, or another C library: both mean "use the fallback", and neither is the user's mistake.
    }
  }
  return null;
}

/**
 * `Deno.dlopen` compiles a trampoline for every function, 0.2 ms each and megabytes for the compiler:
 * much for a worker that is starting, and nothing is called often. So dlsym(3) finds the functions, and
 * only those that are used.
 */
function functions(dlsym: Dlsym): Libc {
  const addressOf = (name: string) => dlsym(RTLD_DEFAULT, cString(name));
  const definitions: Readonly<Record<string, Deno.ForeignFunction>> = SYMBOLS;
  const found: Record<string, unknown> = {
    addressOf,
    errno: () => {
      const at = libc.__errno_location();
      return at === null ? 0 : new Deno.UnsafePointerView(at).getInt32();
    },
    errorText: (errno: number) => {
      const text = libc.strerror(errno);
      return text === null ? `error ${errno}` : Deno.UnsafePointerView.getCString(text);
    },
  };
  // Not a getter for each: defining them takes as long as finding ten functions.
  const libc: Libc = new Proxy(found, {
    get: (_, key) => {
      if (typeof key !== "string") return undefined;
      if (found[key] !== undefined || !Object.hasOwn(SYMBOLS, key)) return found[key];
      const definition = definitions[key] as Deno.ForeignFunction;
      return found[key] = functionAt(addressOf(definition.name ?? key), definition);
    },
  }) as unknown as Libc;
  // Looking it up after a failed call could change what it points to.
  void libc.__errno_location;
  return libc;
}

function functionAt<D extends Deno.ForeignFunction>(at: Deno.PointerValue, definition: D) {
  if (at === null) throw new Error("The C library lacks a function");
  const pointer = new Deno.UnsafeFnPointer(at as Deno.PointerObject<D>, definition);
  return pointer.call.bind(pointer);
}

/**
 * Functions that can still be called when the permission for foreign functions is given back: Deno asks
 * for it when they are opened, and not in each call.
 *
 * @throws {Error} If they cannot be opened.
 */
export function compiledFunctions<N extends keyof typeof SYMBOLS>(
  names: readonly N[],
): Pick<Libc, N> {
  const wanted = Object.fromEntries(names.map((name) => [name, SYMBOLS[name]]));
  return Deno.dlopen(FILES[0], wanted).symbols as unknown as Pick<Libc, N>;
}

/**
 * The C library for code that is only reached when there is one.
 *
 * @throws {Error} If foreign functions are not available.
 */
export function requireLibc(): Libc {
  const c = libc();
  if (c === null) {
    throw new Error("Foreign functions are not available: allow them with --allow-ffi");
  }
  return c;
}

/** The error number that the last failed call of this thread left behind. */
export function lastErrno(c: Libc): number {
  return c.errno();
}

/**
 * Passes on the result of a call that returns -1 on failure.
 *
 * @throws {SystemCallError} If the result is negative.
 */
export function check(c: Libc, call: string, result: number): number {
  if (result < 0) throw systemCallError(c, call, lastErrno(c));
  return result;
}

/** Names an error number as an error of `call`. */
export function systemCallError(c: Libc, call: string, errno: number): SystemCallError {
  return new SystemCallError(call, errno, c.errorText(errno));
}

/** A string as C wants it: UTF-8 with a final zero byte. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}
