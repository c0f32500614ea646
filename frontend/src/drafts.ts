// The shelf of whoever is signed in on this page.
import { uuid } from "./page";
import { canSeal } from "./seal";
import { clean, Shelf, type Draft } from "./shelf";
import { wipeStore } from "./store";

const masked = document.body.dataset.seal ?? "";
document.body.removeAttribute("data-seal");
export const me = document.body.dataset.me ?? "";
const others = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("jieli");

export const shelf: Promise<Shelf | undefined> = Shelf.open(masked, me).catch(() => undefined);
if (!me && canSeal()) void clean().catch(() => undefined);

export function newDraft(name: string, action: string): Draft {
  const page = location.pathname + location.search;
  return { id: uuid(), name, key: uuid(), page, action, fields: [], at: Date.now() };
}

/** Signing out: nothing stays on this device, and no other tab puts anything back. */
export async function wipe(): Promise<void> {
  others?.postMessage("wiped");
  (await shelf)?.close();
  localStorage.clear();
  sessionStorage.clear();
  await wipeStore();
}

others?.addEventListener("message", (event) => {
  if (event.data !== "wiped") return;
  void shelf.then((mine) => mine?.close());
  document.querySelector("main")?.replaceChildren(); // what was typed goes from the screen, too
  setTimeout(() => location.replace("/"), 3000);
});

// Before texts were sealed they lay here open.
for (const key of Object.keys(localStorage)) if (key.startsWith("jl.draft.")) localStorage.removeItem(key);
sessionStorage.removeItem("htmx-current-path-for-history"); // the address of a case; we use no such history
