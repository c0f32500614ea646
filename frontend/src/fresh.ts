// A change that is told while its part is being fetched would be lost: the answer replaces the
// element that waits to ask again. So whoever comes in its place is told once more.
const NAMES = /\bjl:\S+/g;
const told = new Map<string, number>(); // event -> when it was told last
const begun = new WeakMap<XMLHttpRequest, [string[], number]>();

interface Request {
  elt: Element;
  xhr: XMLHttpRequest;
}

/** Dispatch a change on the body, and remember when. */
export function announce(name: string, detail: unknown): void {
  told.set(name, performance.now());
  document.body.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, xhr } = (event as CustomEvent<Request>).detail;
  const names = elt.getAttribute("hx-trigger")?.match(NAMES) ?? [];
  if (names.length) begun.set(xhr, [names, performance.now()]);
});

document.addEventListener("htmx:afterSettle", (event) => {
  const [names, at] = begun.get((event as CustomEvent<Request>).detail.xhr) ?? [[], 0];
  const missed = names.find((name) => (told.get(name) ?? 0) > at);
  if (missed) document.body.dispatchEvent(new CustomEvent(missed, { bubbles: true }));
});
