/**
 * Reads the fields of a JSON object, and says which one is not what it should be.
 *
 * @module
 */

/** The fields of one object. */
export class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #place: string;

  private constructor(object: Readonly<Record<string, unknown>>, place: string) {
    this.#object = object;
    this.#place = place;
  }

  /**
   * The fields of a value.
   *
   * @param place What it is, for messages.
   * @throws {SyntaxError} If it is no object.
   */
  static of(value: unknown, place: string): Fields {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return new Fields(value as Readonly<Record<string, unknown>>, place);
    }
    throw new SyntaxError(`${place} is ${kindOf(value)}, not an object`);
  }

  /** True if there is such a field, and it is not null. */
  has(name: string): boolean {
    return (this.#object[name] ?? null) !== null;
  }

  /** The same fields, if there is one of that name. */
  required(name: string): Fields {
    if (!this.has(name)) throw new SyntaxError(`${this.#place} has no "${name}"`);
    return this;
  }

  /** A number that must be there. */
  number(name: string): number {
    return this.required(name).numberOr(name, 0);
  }

  /** A text that must be there. */
  text(name: string): string {
    return this.required(name).textOr(name, "");
  }

  /** A number, or what stands for its absence. */
  numberOr<T>(name: string, absent: T): number | T {
    const value = this.#object[name] ?? null;
    if (value === null) return absent;
    if (typeof value !== "number") throw this.#wrong(name, value, "a number");
    return value;
  }

  /** A text, or what stands for its absence. */
  textOr<T>(name: string, absent: T): string | T {
    const value = this.#object[name] ?? null;
    if (value === null) return absent;
    if (typeof value !== "string") throw this.#wrong(name, value, "a text");
    return value;
  }

  /** A boolean, or what stands for its absence. */
  booleanOr(name: string, absent: boolean): boolean {
    const value = this.#object[name] ?? null;
    if (value === null) return absent;
    if (typeof value !== "boolean") throw this.#wrong(name, value, "true or false");
    return value;
  }

  /** A list of numbers that must be there. */
  numbers(name: string): readonly number[] {
    const list = this.required(name).#list(name);
    if (!list.every((item) => typeof item === "number")) {
      throw new SyntaxError(`${this.#name(name)} is no list of numbers`);
    }
    return list;
  }

  /** All fields, each of them a number. */
  allNumbers(): ReadonlyMap<string, number> {
    return new Map(Object.keys(this.#object).map((name) => [name, this.number(name)]));
  }

  /** What is made of the objects of a list; empty: there is no such list. */
  objects<T>(name: string, make: (fields: Fields) => T): readonly T[] {
    return this.#list(name).map((item, i) => make(Fields.of(item, `${this.#name(name)}[${i}]`)));
  }

  /** What is made of an object; null: there is none. */
  objectOr<T>(name: string, make: (fields: Fields) => T): T | null {
    return this.has(name) ? make(Fields.of(this.#object[name], this.#name(name))) : null;
  }

  #list(name: string): readonly unknown[] {
    const value = this.#object[name] ?? [];
    if (!Array.isArray(value)) throw this.#wrong(name, value, "a list");
    return value;
  }

  #name(name: string): string {
    return this.#place === "the document" ? name : `${this.#place}.${name}`;
  }

  #wrong(name: string, value: unknown, expected: string): SyntaxError {
    return new SyntaxError(`${this.#name(name)} is ${kindOf(value)}, not ${expected}`);
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  const kinds: Readonly<Record<string, string>> = {
    string: "a text",
    number: "a number",
    object: "an object",
  };
  return kinds[typeof value] ?? `a ${typeof value}`;
}
