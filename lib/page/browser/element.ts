/**
 * Makes elements. Text goes in as text and never as HTML: it may come from clients and users.
 *
 * @module
 */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** What an element has, beside its children. */
export interface ElementParts {
  readonly class?: string;
  readonly text?: string;
  /** Attributes by name. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** An HTML element. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  parts: ElementParts = {},
  ...children: Node[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  fill(element, parts, children);
  return element;
}

/** An SVG element. */
export function makeSvg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  parts: ElementParts = {},
  ...children: Node[]
): SVGElementTagNameMap[Name] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  fill(element, parts, children);
  return element;
}

function fill(element: Element, parts: ElementParts, children: readonly Node[]): void {
  if (parts.class !== undefined) element.setAttribute("class", parts.class);
  if (parts.text !== undefined) element.textContent = parts.text;
  for (const [name, value] of Object.entries(parts.attributes ?? {})) {
    element.setAttribute(name, value);
  }
  element.append(...children);
}

/** The element of the page with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element "${id}"`);
  return element;
}

/** Changes a text only if it is another one: what is selected stays selected. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
