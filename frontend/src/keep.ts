// A part that fetches itself again must not take from a reader what he or she has opened there,
// nor what is half typed. Both are found again by their words and hidden fields, not by their
// place: a new version may have more rows than the old one.
interface Kept {
  opened: Set<string>;
  shut: Set<string>;
  typed: Map<string, string>;
  focus: string;
}

const waiting = new Map<string, Kept>(); // id of the part that is being replaced
type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
const PASSING = /^(csrfmiddlewaretoken|_key)$/; // another one each time

function hidden(root: Element): string {
  return [...root.querySelectorAll<HTMLInputElement>("input[type=hidden]")]
    .filter((field) => !PASSING.test(field.name))
    .map((field) => `${field.name}=${field.value}`)
    .join("&");
}

function nameOf(fold: HTMLDetailsElement): string {
  if (fold.id) return fold.id;
  const form = fold.querySelector("form");
  const words = fold.querySelector("summary")?.textContent?.replace(/\d+/g, "").trim() ?? "";
  const own = fold.querySelector("details") ? "" : `${form?.getAttribute("action") ?? ""}?${form ? hidden(form) : ""}`;
  return `${words}|${own}`;
}

function fieldName(field: Field): string {
  const form = field.form;
  return `${form?.getAttribute("action") ?? ""}?${form ? hidden(form) : ""}#${field.name}`;
}

function isTyped(field: Field): boolean {
  if (field instanceof HTMLSelectElement)
    return [...field.options].some((one) => one.selected !== one.defaultSelected && one.selected && one.index > 0);
  if (field.type === "hidden" || field.type === "password" || field.type === "file") return false;
  if (field instanceof HTMLInputElement && /^(checkbox|radio)$/.test(field.type)) return false;
  return field.value !== field.defaultValue;
}

function fieldsOf(root: Element): Field[] {
  return [...root.querySelectorAll<Field>("input, select, textarea")];
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const part = (event as CustomEvent<{ target: Element }>).detail.target;
  if (!part.id) return;
  const kept: Kept = { opened: new Set(), shut: new Set(), typed: new Map(), focus: "" };
  for (const fold of part.querySelectorAll("details")) {
    if (fold.open !== fold.hasAttribute("data-born-open")) (fold.open ? kept.opened : kept.shut).add(nameOf(fold));
  }
  for (const field of fieldsOf(part)) {
    if (isTyped(field)) kept.typed.set(fieldName(field), field.value);
    if (field === document.activeElement) kept.focus = fieldName(field);
  }
  if (kept.opened.size || kept.shut.size || kept.typed.size || kept.focus) waiting.set(part.id, kept);
});

/** Remember how the folds of a fresh part were sent, and give back what was there before. */
export function giveBack(root: Element = document.body): void {
  for (const fold of root.querySelectorAll("details")) fold.toggleAttribute("data-born-open", fold.open);
  const kept = waiting.get(root.id);
  if (!kept) return;
  waiting.delete(root.id);
  for (const fold of root.querySelectorAll("details")) {
    const name = nameOf(fold);
    if (kept.opened.has(name)) fold.open = true;
    if (kept.shut.has(name)) fold.open = false;
  }
  for (const field of fieldsOf(root)) {
    const name = fieldName(field);
    const value = kept.typed.get(name);
    if (value !== undefined) field.value = value;
    if (kept.focus && kept.focus === name) field.focus({ preventScroll: true });
  }
}

document.body.addEventListener("htmx:load", (event) => giveBack((event as CustomEvent<{ elt: Element }>).detail.elt));
