// Sendings that outlived their page: the service worker sends them where the browser has
// Background Sync; otherwise they go on from any page of ours. Signing out clears them.
import { ask } from "./confirm";
import { shelf, wipe } from "./drafts";
import { csrf, icon, make, toast } from "./page";
import { alone, OUTBOX, send, WAITS } from "./send";
import type { Draft, Shelf } from "./shelf";
import { words } from "./words";

let attempts = 0;
const told = new Set<string>();
const line = make("div", "netbar");

/** Ask the browser to send what is kept as soon as there is a network, page or no page. */
export async function promise(): Promise<void> {
  const worker = (await navigator.serviceWorker?.getRegistration()) as
    | { sync?: { register(tag: string): Promise<void> } }
    | undefined;
  await worker?.sync?.register(OUTBOX).catch(() => undefined);
}

function here(draft: Draft): boolean {
  return [...document.querySelectorAll<HTMLFormElement>("form[data-draft]")].some(
    (form) => form.dataset.draft === draft.name,
  );
}

async function pass(kept: Shelf, draft: Draft): Promise<void> {
  if (!(await kept.queued()).some((one) => one.id === draft.id)) return; // the worker was first
  const outcome = await send(draft, csrf());
  if (outcome.kind === "done") {
    await kept.drop(draft.id);
    toast(words.sent, outcome.url, words.open);
  } else if (outcome.kind !== "later") {
    // It needs a person again: leave it as a draft on its own page, and lead there.
    await kept.write({ ...draft, queuedAt: undefined });
    toast(words.refused, draft.page, words.open, "warn");
  }
}

async function flush(): Promise<void> {
  const kept = await shelf;
  if (!kept) return;
  for (const draft of await kept.all()) {
    if (draft.sent && !told.has(draft.id)) {
      told.add(draft.id); // the page's own look and the worker's word may come together
      toast(words.sent, draft.sent, words.open);
      await kept.drop(draft.id);
    }
    if (draft.sent || here(draft)) continue;
    if (draft.queuedAt) await alone(draft, () => pass(kept, draft));
    else if (draft.refused) {
      await kept.write({ ...draft, refused: false });
      toast(words.refused, draft.page, words.open, "warn");
    }
  }
  const left = (await kept.queued()).filter((draft) => !here(draft));
  line.remove();
  if (!left.length) return;
  const link = make("a", "", words.open);
  link.href = left[0].page;
  line.replaceChildren(icon("net"), `${left.length} ${words.waiting}`, link);
  document.querySelector("main")?.before(line);
  window.setTimeout(() => void flush(), WAITS[Math.min(attempts++, WAITS.length - 1)]);
}

const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

async function leave(form: HTMLFormElement): Promise<void> {
  const waiting = (await (await shelf)?.queued()) ?? [];
  if (waiting.length && !(await ask(words.loseDrafts))) return;
  form.dataset.sure = "1";
  await Promise.race([wipe().catch(() => undefined), pause(2000)]);
  form.requestSubmit();
}

document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.dataset.signout === undefined || form.dataset.sure) return;
  event.preventDefault();
  void leave(form);
});

export function startOutbox(): void {
  void flush();
  window.addEventListener("online", () => void flush());
  navigator.serviceWorker?.addEventListener("message", (event: MessageEvent<{ kind: string }>) => {
    if (event.data.kind === "sent") void flush();
  });
}
