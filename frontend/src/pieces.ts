// One file to the server in pieces: after a break it goes on where the server says it stopped.
import { sha256 } from "./digest";
import { uuid, writeHeaders } from "./page";
import { WAITS } from "./send";

export type Arrival = { kind: "done"; document: string } | { kind: "refused"; sentence: string } | { kind: "expired" };
interface Progress {
  sent(bytes: number): void;
  broken(sentence: string): void; // what the server said of it, where it said anything
}
interface Answer {
  upload?: string;
  offset?: number;
  document?: string;
}

const SMALLEST = 32 << 10;
const LARGEST = 1 << 20;
const PATIENCE = 60000;
const NO_ROOM = 507;
class Broken extends Error {
  constructor(readonly sentence = "") {
    super();
  }
}
class Gone extends Error {}
class Ended extends Error {
  constructor(readonly arrival: Arrival) {
    super();
  }
}
const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

async function sentenceOf(answer: Response): Promise<string> {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("main .err, .plain p, .err")?.textContent?.trim() ?? "";
}

export class Pieces {
  private key = uuid();
  private upload = "";
  private offset = 0;
  private piece = 128 << 10;
  private failures = 0;

  /** `said`: what else the server should know when the file is announced. */
  constructor(
    private address: string,
    private file: Blob,
    private said: Record<string, string>,
    private progress: Progress,
    private yielding = false, // leave half of the link to others
  ) {}

  async send(): Promise<Arrival> {
    for (;;) {
      try {
        if (!this.upload) await this.announce();
        else if (this.failures) this.take(await this.ask(`${this.upload}/`, { method: "GET" }));
        while (this.offset < this.file.size) await this.part();
        return await this.finish();
      } catch (fault) {
        if (fault instanceof Ended) return fault.arrival;
        if (fault instanceof Gone) this.begin(); // kept for a day only
        else if (!(fault instanceof Broken)) throw fault;
        this.progress.broken(fault instanceof Broken ? fault.sentence : "");
        await this.rest();
      }
    }
  }

  private begin(): void {
    this.upload = "";
    this.key = uuid();
  }

  /** Until the network says that it is back, or some seconds at most. */
  private rest(): Promise<void> {
    const wait = WAITS[Math.min(this.failures++, WAITS.length - 1)];
    return Promise.race([pause(wait), new Promise<void>((done) => addEventListener("online", () => done(), { once: true }))]);
  }

  private async announce(): Promise<void> {
    const said = { size: String(this.file.size), sha256: await sha256(this.file), ...this.said };
    const body = new URLSearchParams(said);
    const answer = await this.ask("", { method: "POST", headers: writeHeaders(this.key), body });
    if (answer.document) throw new Ended({ kind: "done", document: answer.document });
    this.upload = answer.upload ?? "";
    this.take(answer);
  }

  private async part(): Promise<void> {
    const began = performance.now();
    const headers = { ...writeHeaders(""), "Upload-Offset": String(this.offset), "Content-Type": "application/octet-stream" };
    const body = this.file.slice(this.offset, this.offset + this.piece);
    const before = this.offset;
    this.take(await this.ask(`${this.upload}/`, { method: "POST", headers, body }));
    if (this.offset === before) throw new Broken(); // the server's disk is full
    const took = performance.now() - began;
    if (took < 1500) this.piece = Math.min(LARGEST, this.piece * 2);
    if (took > 6000) this.piece = Math.max(SMALLEST, this.piece / 2);
    if (this.yielding) await pause(Math.min(took, 5000));
  }

  private async finish(): Promise<Arrival> {
    const body = new URLSearchParams(this.said.title ? { title: this.said.title } : {});
    const key = this.key.replace(/^.{8}/, this.upload.slice(0, 8)); // the same when repeated
    const answer = await this.ask(`${this.upload}/document/`, { method: "POST", headers: writeHeaders(key), body });
    return { kind: "done", document: answer.document ?? "" };
  }

  private take(answer: Answer): void {
    const offset = answer.offset ?? 0;
    if (offset > this.offset) this.failures = 0;
    this.offset = offset;
    this.progress.sent(this.offset);
  }

  private async ask(path: string, options: RequestInit): Promise<Answer> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    try {
      const answer = await fetch(this.address + path, { ...options, redirect: "manual", signal: abort.signal });
      if (answer.ok) return (await answer.json()) as Answer;
      if (answer.status === 404 && path) throw new Gone();
      if (answer.type === "opaqueredirect" || answer.status === 403) throw new Ended({ kind: "expired" });
      if (answer.status === NO_ROOM) throw new Broken(await sentenceOf(answer));
      if (answer.status >= 500 || answer.status === 429) throw new Broken();
      throw new Ended({ kind: "refused", sentence: await sentenceOf(answer) });
    } catch (fault) {
      if (fault instanceof Ended || fault instanceof Gone || fault instanceof Broken) throw fault;
      throw new Broken();
    } finally {
      clearTimeout(timer);
    }
  }
}
