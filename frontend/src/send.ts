// Sending a kept form: one attempt, and what its answer means. The service worker uses it as well,
// so nothing here needs a document.
import type { Draft } from "./shelf";

export type Outcome =
  | { kind: "done"; url: string }
  | { kind: "page"; status: number; html: string } // the server has something to say
  | { kind: "expired" }
  | { kind: "later" }; // nobody answered, or not with sense: try again

const PATIENCE = 12000;
export const WAITS = [1000, 2000, 4000, 8000, 15000];
export const OUTBOX = "jl-outbox"; // the tag of Background Sync

export async function send(draft: Draft, token: string): Promise<Outcome> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE);
  try {
    const answer = await fetch(draft.action, {
      method: "POST",
      // "say": name the next page instead of leading there, so that it is fetched once, by us.
      headers: { "X-CSRFToken": token, "Idempotency-Key": draft.key, "Jieli-Redirect": "say" },
      body: new URLSearchParams([...draft.fields, ["_key", draft.key]]),
      signal: abort.signal,
    });
    const html = await answer.text();
    const next = answer.headers.get("Jieli-Location") ?? "";
    if (answer.status >= 500 || answer.status === 429) return { kind: "later" };
    if (answer.status === 403 || next.startsWith("/signin/")) return { kind: "expired" };
    if (next) return { kind: "done", url: next };
    return { kind: "page", status: answer.status, html };
  } catch {
    return { kind: "later" };
  } finally {
    clearTimeout(timer);
  }
}

/** Whoever sends a draft holds its lock, so that tabs and the worker take turns. False: not ours. */
export async function alone(draft: Draft, work: () => Promise<void>, wait = 0): Promise<boolean> {
  if (!navigator.locks) return work().then(() => true);
  const how = wait ? { signal: AbortSignal.timeout(wait) } : { ifAvailable: true };
  try {
    return await navigator.locks.request(`jl-send-${draft.id}`, how, async (lock) => {
      if (lock) await work();
      return lock !== null;
    });
  } catch (fault) {
    if ((fault as Error).name === "TimeoutError" || (fault as Error).name === "AbortError") return false;
    throw fault;
  }
}
