/** Keeps the event loop of a test running, for what does not do that itself. */
export function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 1_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
