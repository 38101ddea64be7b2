/**
 * What a reader has chosen, the theme and how much time is shown, and where it is kept.
 *
 * @module
 */

/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/**
 * A group of buttons of which one is chosen; the choice outlives the page.
 *
 * @param id the fieldset with its radio buttons; its name in the storage, too
 * @param chosen is called with the value, now and when it changes
 */
export function followChoice(id: string, chosen: (value: string) => void): void {
  const inputs = [...document.querySelectorAll<HTMLInputElement>(`#${id} input`)];
  const kept = stored(id);
  for (const input of inputs) {
    if (input.value === kept) input.checked = true;
    input.addEventListener("change", () => {
      store(id, input.value);
      chosen(input.value);
    });
  }
  chosen(inputs.find(({ checked }) => checked)?.value ?? "");
}

function stored(name: string): string | null {
  try {
    return localStorage.getItem(`duwsgi ${name}`);
  } catch {
    // Storage is switched off in this browser: then every visit begins with the defaults.
    return null;
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(`duwsgi ${name}`, value);
  } catch {
    // As above: the choice holds until the page is left.
  }
}
