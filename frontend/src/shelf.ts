// What one person keeps on this device until the server has it: fields of a form, and sendings
// under way. Another person's rows are removed unread; everybody's are removed after twelve hours.
import { openSeal, seal, unseal } from "./seal";
import { put, remove, rows, type Row } from "./store";

export interface Draft {
  id: string;
  name: string;
  key: string; // one idempotency key for one draft: sending twice takes effect once
  page: string; // where the form stands
  action: string;
  fields: [string, string][];
  at: number; // when it was last changed
  queuedAt?: number; // when it was first sent, while nobody has answered yet
  refused?: boolean; // sent while its page was closed, and the server wants a person again
  sent?: string; // sent while its page was closed: where it led to; kept until somebody is told
}

const KEEP = 12 * 3600 * 1000;

export class Shelf {
  private closed = false;

  private constructor(private key: CryptoKey, private owner: string) {}

  /** Undefined where nothing can be kept: plain http, or a browser without storage. */
  static async open(masked: string, owner: string): Promise<Shelf | undefined> {
    const key = await openSeal(masked);
    if (!key || !owner) return undefined;
    const shelf = new Shelf(key, owner);
    try {
      await clean(owner);
      return shelf;
    } catch {
      return undefined;
    }
  }

  async all(): Promise<Draft[]> {
    const mine = this.closed ? [] : (await rows()).filter((row) => row.owner === this.owner);
    const found = await Promise.all(mine.map((row) => unseal<Draft>(this.key, row.id, row)));
    await Promise.all(mine.filter((_, index) => !found[index]).map((row) => remove(row.id)));
    return found.filter((draft) => draft !== undefined).sort((one, other) => other.at - one.at);
  }

  async read(name: string): Promise<Draft | undefined> {
    return (await this.all()).find((draft) => draft.name === name && !draft.sent);
  }

  async queued(): Promise<Draft[]> {
    return (await this.all()).filter((draft) => draft.queuedAt !== undefined);
  }

  async write(draft: Draft): Promise<boolean> {
    const { id, at, queuedAt } = draft;
    try {
      const row: Row = { id, at, owner: this.owner, queued: !!queuedAt, ...(await seal(this.key, id, draft)) };
      if (this.closed) return false;
      await put(row);
      return true;
    } catch {
      return false; // full, or storage switched off: the form still works, only unsaved
    }
  }

  async drop(id: string): Promise<void> {
    await remove(id).catch(() => undefined);
  }

  /** From now on nothing more is written, whatever a page still wants to keep. */
  close(): void {
    this.closed = true;
  }
}

/** Remove what is too old, and, once somebody is signed in, what is not theirs. */
export async function clean(owner = ""): Promise<void> {
  for (const row of await rows()) {
    if (Date.now() - row.at > KEEP || (owner && row.owner !== owner)) await remove(row.id);
  }
}
