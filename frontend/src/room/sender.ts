// Chunks from this browser to the server: oldest first, each until the server has said that it has
// it, and only then gone from here. The page says how fast; the film never goes before the voices.
import { csrf, uuid, writeHeaders } from "../page";
import type { RunMeta, Vault } from "./vault";

export type Pace = "full" | "slow" | "stop";

const WAITS = [500, 1000, 2000, 4000, 8000, 15000];
const PATIENCE = 60_000;
const FULL = 507;
const KEPT = 30 * 24 * 3600 * 1000; // what the server does not want waits for so long

class Refused extends Error {}
class Later extends Error {}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
export const lockOf = (run: string): string => `jl-run-${run}`;
export const LIVE = "jl-recording"; // held by a page that records

export class Sender {
  serverFull = false;
  signedOut = false;
  private failures = 0;
  private announced = new Set<string>();
  private conflicts = 0;
  private ended = false;

  constructor(private vault: Vault, private owner: string, private pace: () => Pace, private changed: () => void = () => undefined) {}

  close(): void {
    this.ended = true;
  }

  /** All that waits of one run; true when the server has all of it and the run is gone from here. */
  async send(run: RunMeta, goesOn: () => boolean): Promise<boolean> {
    const over = !goesOn(); // asked before: what is written meanwhile belongs to the next turn
    for (const number of await this.vault.numbers(run.key)) {
      if (!(await this.one(run, number))) return false;
    }
    return over && (await this.finish(run));
  }

  private async one(run: RunMeta, number: number): Promise<boolean> {
    for (;;) {
      if (this.ended || run.owner !== this.owner || run.refused) return false;
      if (this.pace() === "stop") {
        await pause(500);
        continue;
      }
      try {
        const began = performance.now();
        if (!this.announced.has(run.key)) await this.announce(run);
        const piece = await this.vault.read(run.key, number);
        if (piece) await this.put(run, piece.number, piece.bytes, piece.sha256, piece.previous, piece.from, piece.until);
        await this.vault.drop(run.key, number);
        this.failures = this.conflicts = 0;
        this.serverFull = this.signedOut = false;
        this.changed();
        if (this.pace() === "slow") await pause(Math.min(10_000, (performance.now() - began) * 2));
        return true;
      } catch (fault) {
        if (fault instanceof Refused) return this.refuse(run);
        if (!(fault instanceof Later)) throw fault;
        this.changed();
        await this.rest();
      }
    }
  }

  /** Until the network says that it is back, or some seconds at most. */
  private rest(): Promise<void> {
    const wait = this.serverFull ? 20_000 : WAITS[Math.min(this.failures++, WAITS.length - 1)];
    return Promise.race([pause(wait), new Promise<void>((done) => addEventListener("online", () => done(), { once: true }))]);
  }

  private async refuse(run: RunMeta): Promise<boolean> {
    run.refused = true;
    if (Date.now() - run.started > KEPT) await this.vault.dropRun(run.key);
    else await this.vault.note(run).catch(() => undefined);
    this.changed();
    return false;
  }

  private async announce(run: RunMeta): Promise<void> {
    const said = { key: run.key, feed: run.feed, source: run.source, mime: run.mime, started: String(Math.round(run.started)) };
    const body = new URLSearchParams(run.copy ? { ...said, copy: "1" } : said);
    await this.ask(`/rooms/seats/${run.seat}/recordings/`, { method: "POST", headers: writeHeaders(uuid()), body });
    this.announced.add(run.key);
  }

  private async put(run: RunMeta, number: number, bytes: ArrayBuffer, sha256: string, previous: string, from: number, until: number): Promise<void> {
    await this.ask(`/rooms/recordings/${run.key}/chunks/${number}/`, {
      method: "PUT",
      headers: {
        "X-CSRFToken": csrf(),
        "Content-Type": "application/octet-stream",
        "Chunk-Sha256": sha256,
        "Chunk-Previous": previous,
        "Chunk-From": String(Math.round(from)),
        "Chunk-Until": String(Math.round(until)),
      },
      body: bytes,
    });
  }

  /** The run has ended, or was cut off: say how long it is, and let it go from here. */
  private async finish(run: RunMeta): Promise<boolean> {
    for (;;) {
      if (this.ended || run.refused || run.owner !== this.owner) return false;
      try {
        if (!this.announced.has(run.key)) await this.announce(run);
        const length = run.length ?? (await this.reached(run));
        if (length > 0) {
          const headers = writeHeaders(uuid());
          await this.ask(`/rooms/recordings/${run.key}/`, { method: "POST", headers, body: new URLSearchParams({ length: String(length) }) });
        }
        if ((await this.vault.numbers(run.key)).length) return false;
        await this.vault.dropRun(run.key);
        this.changed();
        return true;
      } catch (fault) {
        if (fault instanceof Refused) return this.refuse(run);
        if (!(fault instanceof Later)) throw fault;
        this.changed();
        await this.rest();
      }
    }
  }

  /** Of a run that was cut off: one more than the last number that the server has. */
  private async reached(run: RunMeta): Promise<number> {
    const said = (await this.ask(`/rooms/recordings/${run.key}/`, { method: "GET" })) as { held: [number, number][] };
    return Math.max(0, ...said.held.map(([, last]) => last + 1));
  }

  private async ask(address: string, options: RequestInit): Promise<unknown> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    try {
      const answer = await fetch(address, { ...options, redirect: "manual", signal: abort.signal });
      if (answer.ok) return await answer.json();
      this.serverFull = answer.status === FULL;
      this.signedOut = answer.type === "opaqueredirect" || answer.status === 403;
      const damaged = answer.status === 409 && this.conflicts++ < 3; // on its way: it comes again
      if (answer.status === 404 || (answer.status === 409 && !damaged)) throw new Refused();
      throw new Later();
    } catch (fault) {
      if (fault instanceof Refused || fault instanceof Later) throw fault;
      throw new Later();
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What still waits in this browser, of me and of others. */
export async function waiting(vault: Vault, owner: string): Promise<{ mine: number; others: number; refused: number }> {
  const behind = { mine: new Map<string, number>(), others: 0, refused: 0 };
  for (const run of await vault.runs()) {
    const numbers = await vault.numbers(run.key);
    if (!numbers.length) continue;
    const [first, last] = [await vault.told(run.key, numbers[0]), await vault.told(run.key, numbers[numbers.length - 1])];
    const seconds = first && last ? Math.max(0, (last.until - first.from) / 1000) : 0;
    if (run.owner !== owner) behind.others += seconds;
    else if (run.refused) behind.refused += seconds;
    else behind.mine.set(run.feed, (behind.mine.get(run.feed) ?? 0) + seconds);
  }
  return { mine: Math.max(0, ...behind.mine.values()), others: behind.others, refused: behind.refused };
}

/** Runs that another visit left here. A run that a page is recording now has its lock, and waits. */
export async function sendLeftovers(vault: Vault, owner: string, pace: () => Pace, changed: () => void): Promise<void> {
  const sender = new Sender(vault, owner, pace, changed);
  for (const run of await vault.runs()) {
    if (run.owner !== owner) continue;
    run.refused = false; // who had no access then may have it now
    await navigator.locks.request(lockOf(run.key), { ifAvailable: true }, async (lock) => {
      if (lock) await sender.send(run, () => false);
    });
  }
}
