// What is kept on this device until the server has it: fields of a form, and sendings under way.
// Kept for one person only; gone when that person signs out.
import { uuid } from "./page";

export interface Draft {
  name: string;
  key: string; // one idempotency key for one draft: sending twice takes effect once
  owner: string;
  page: string; // where the form stands
  action: string;
  fields: [string, string][];
  at: number; // when it was last changed
  queuedAt?: number; // when it was first sent, while nobody has answered yet
}

const PREFIX = "jl.draft.";
const KEEP = 12 * 3600 * 1000;
const me = (): string => document.body.dataset.me ?? "";

export function newDraft(name: string, action: string): Draft {
  const page = location.pathname + location.search;
  return { name, key: uuid(), owner: me(), page, action, fields: [], at: Date.now() };
}

export function read(name: string): Draft | undefined {
  try {
    const draft = JSON.parse(localStorage.getItem(PREFIX + name) ?? "null") as Draft | null;
    if (!draft) return undefined;
    const foreign = me() !== "" && draft.owner !== me();
    if (foreign || Date.now() - draft.at > KEEP) {
      drop(name);
      return undefined;
    }
    return draft;
  } catch {
    return undefined;
  }
}

export function write(draft: Draft): boolean {
  try {
    localStorage.setItem(PREFIX + draft.name, JSON.stringify(draft));
    return true;
  } catch {
    return false; // private window or full: the form still works, only unsaved
  }
}

export function drop(name: string): void {
  localStorage.removeItem(PREFIX + name);
}

function names(): string[] {
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => key.slice(PREFIX.length));
}

export function queued(): Draft[] {
  return names()
    .map(read)
    .filter((draft): draft is Draft => draft?.queuedAt !== undefined);
}

export function dropAll(): void {
  for (const name of names()) drop(name);
}
