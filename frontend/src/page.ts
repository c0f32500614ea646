// Small things that several islands need of the page around them.

/** The CSRF token that the server wrote for htmx; it serves our own requests too. */
export function csrf(): string {
  try {
    return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
  } catch {
    return "";
  }
}

export function uuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // plain http on a hospital network
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Headers of a write: who we are, and the key that makes a repeat harmless. */
export function writeHeaders(key: string): Record<string, string> {
  return { "X-CSRFToken": csrf(), "Idempotency-Key": key };
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  css = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (css) node.className = css;
  if (text) node.textContent = text;
  return node;
}

export function icon(name: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const known = document.querySelector("svg.i use")?.getAttribute("href") ?? "/static/web/icons.svg#";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${known.split("#")[0]}#${name}`);
  svg.append(use);
  return svg;
}

/** A passing word that needs no answer, with a link when there is somewhere to go. */
export function toast(text: string, link = "", label = "", name = "met"): void {
  const box = document.getElementById("toasts");
  if (!box) return;
  const note = make("div", "toast");
  note.append(icon(name), make("span", "", text));
  if (link) {
    const anchor = make("a", "", label);
    anchor.href = link;
    note.append(anchor);
  }
  box.append(note);
  window.setTimeout(() => note.remove(), 9000);
}

/** Said to a screen reader once, seen by nobody. */
export function announce(text: string): void {
  let region = document.getElementById("jl-said");
  if (!region) {
    region = make("div", "vh");
    region.id = "jl-said";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = text;
}

export function telephoneLink(number: string): HTMLAnchorElement {
  const anchor = make("a", "nowrap", number);
  anchor.href = `tel:${number.replace(/[\s-]/g, "")}`;
  return anchor;
}

/** A custom element that fails alone: a fault in one island never stops another. */
export function define(name: string, island: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, island);
}
