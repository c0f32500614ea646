// Sending a kept form: one attempt, and what its answer means.
import type { Draft } from "./drafts";
import { writeHeaders } from "./page";

export type Outcome =
  | { kind: "done"; url: string }
  | { kind: "page"; status: number; html: string; url: string } // the server has something to say
  | { kind: "expired" }
  | { kind: "later" }; // nobody answered, or not with sense: try again

const PATIENCE = 12000;
export const WAITS = [1000, 2000, 4000, 8000, 15000];

export async function send(draft: Draft): Promise<Outcome> {
  const abort = new AbortController();
  const timer = window.setTimeout(() => abort.abort(), PATIENCE);
  try {
    const answer = await fetch(draft.action, {
      method: "POST",
      // "say": name the next page instead of leading there, so that it is fetched once, by us.
      headers: { ...writeHeaders(draft.key), "Jieli-Redirect": "say" },
      body: new URLSearchParams([...draft.fields, ["_key", draft.key]]),
      signal: abort.signal,
    });
    const html = await answer.text();
    const next = answer.headers.get("Jieli-Location") ?? "";
    if (answer.status >= 500 || answer.status === 429) return { kind: "later" };
    if (answer.status === 403 || next.startsWith("/signin/")) return { kind: "expired" };
    if (next) return { kind: "done", url: next };
    return { kind: "page", status: answer.status, html, url: answer.url };
  } catch {
    return { kind: "later" };
  } finally {
    window.clearTimeout(timer);
  }
}

/** Show the server's page in place: the same markup as a plain answer would have brought. */
export function showPage(html: string): void {
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.querySelector("main");
  const old = document.querySelector("main");
  if (!fresh || !old) return;
  old.replaceWith(document.adoptNode(fresh));
  document.title = page.title || document.title;
  const htmx = (window as { htmx?: { process(node: Element): void } }).htmx;
  htmx?.process(fresh);
  document.dispatchEvent(new CustomEvent("jl:page"));
  const first = fresh.querySelector<HTMLElement>('[aria-invalid="true"], .err');
  (first ?? fresh).focus();
  (first ?? fresh).scrollIntoView({ block: "center" });
}
