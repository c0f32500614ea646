// What is recorded and not yet on the server: in files of this browser (OPFS), a folder for each
// run, a file for each chunk. A chunk's file begins with what is said of it and is checked by its
// hash when it is read: of a run that was cut off, at most the last one is torn.
// It lies there in plain, as long as it waits: a key that goes with the password would lose the
// recording with it.

export interface RunMeta {
  key: string;
  seat: string;
  owner: string; // the person, as the page calls them: nobody else sends it
  feed: string;
  source: string;
  mime: string;
  copy: boolean;
  started: number; // ms, the server's time
  length?: number; // chunks, once the run has ended
  refused?: boolean; // the server does not want it
}

export interface ChunkMeta {
  number: number;
  sha256: string;
  previous: string;
  from: number;
  until: number;
  size: number;
}

export interface Piece extends ChunkMeta {
  bytes: ArrayBuffer;
}

const FOLDER = "jl-recordings";
const META = "run.json";
const MEMORY = 64 << 20; // bytes that may wait in memory when this browser's disk is full

export class Full extends Error {}

const hex = (buffer: ArrayBuffer): string => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const digest = async (bytes: ArrayBuffer): Promise<string> => hex(await crypto.subtle.digest("SHA-256", bytes));

const isFull = (name: string): boolean => name === "QuotaExceededError";

export class Vault {
  private worker?: Worker;
  private orders = new Map<number, { done: () => void; failed: (why: Error) => void }>();
  private order = 0;
  private held = new Map<string, Map<number, Piece>>(); // run -> chunks in memory
  private weight = 0;
  full = false; // this browser's disk is

  private constructor(private folder: FileSystemDirectoryHandle) {}

  /** Undefined where a browser cannot keep files: plain http, or one that is too old. */
  static async open(create = true): Promise<Vault | undefined> {
    try {
      const root = await navigator.storage.getDirectory();
      return new Vault(await root.getDirectoryHandle(FOLDER, { create }));
    } catch {
      return undefined;
    }
  }

  // ── writing ──────────────────────────────────────────────────────────────

  async begin(meta: RunMeta): Promise<void> {
    await this.put(meta.key, META, new TextEncoder().encode(JSON.stringify(meta)).buffer as ArrayBuffer);
  }

  /** On the disk when it returns; else in memory; else it is Full, and the chunk is lost here. */
  async write(run: string, piece: Piece): Promise<void> {
    const { bytes, ...meta } = piece;
    const head = new TextEncoder().encode(JSON.stringify(meta));
    const whole = new Uint8Array(4 + head.length + bytes.byteLength);
    new DataView(whole.buffer).setUint32(0, head.length);
    whole.set(head, 4);
    whole.set(new Uint8Array(bytes), 4 + head.length);
    try {
      await this.put(run, nameOf(piece.number), whole.buffer);
      this.full = false;
    } catch (fault) {
      if (!(fault instanceof Full)) throw fault;
      this.full = true;
      if (this.weight + bytes.byteLength > MEMORY) throw fault;
      this.weight += bytes.byteLength;
      const chunks = this.held.get(run) ?? new Map<number, Piece>();
      this.held.set(run, chunks.set(piece.number, piece));
    }
  }

  private async put(run: string, name: string, bytes: ArrayBuffer): Promise<void> {
    if (typeof Worker === "undefined") return this.plainly(run, name, bytes);
    this.worker ??= this.start();
    const id = ++this.order;
    const size = bytes.byteLength;
    await new Promise<void>((done, failed) => {
      this.orders.set(id, { done, failed });
      this.worker?.postMessage({ id, run, name, bytes }, [bytes]);
    }).catch((fault: Error) => {
      if (isFull(fault.message)) throw new Full(String(size));
      throw fault;
    });
  }

  private start(): Worker {
    const worker = new Worker("/static/dist/keeper.js");
    worker.onmessage = ({ data }: MessageEvent<{ id: number; error?: string }>) => {
      const order = this.orders.get(data.id);
      this.orders.delete(data.id);
      if (data.error) order?.failed(new Error(data.error));
      else order?.done();
    };
    worker.onerror = () => {
      for (const { failed } of this.orders.values()) failed(new Error("QuotaExceededError"));
      this.orders.clear();
      this.worker = undefined;
    };
    return worker;
  }

  /** Without a worker: whole or not at all as well, only not yet surely on the disk. */
  private async plainly(run: string, name: string, bytes: ArrayBuffer): Promise<void> {
    const folder = await this.folder.getDirectoryHandle(run, { create: true });
    const file = await folder.getFileHandle(name, { create: true });
    const stream = await file.createWritable();
    try {
      await stream.write(bytes);
      await stream.close();
    } catch (fault) {
      await stream.abort().catch(() => undefined);
      if (fault instanceof DOMException && isFull(fault.name)) throw new Full();
      throw fault;
    }
  }

  // ── reading ──────────────────────────────────────────────────────────────

  async runs(): Promise<RunMeta[]> {
    const found: RunMeta[] = [];
    for await (const handle of (this.folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()) {
      if (handle.kind !== "directory") continue;
      const meta = await this.meta(handle.name);
      if (meta) found.push(meta);
      else await this.dropRun(handle.name); // killed before it had begun: there is no chunk
    }
    return found.sort((one, other) => one.started - other.started);
  }

  private async meta(run: string): Promise<RunMeta | undefined> {
    try {
      const folder = await this.folder.getDirectoryHandle(run);
      const file = await (await folder.getFileHandle(META)).getFile();
      return JSON.parse(await file.text()) as RunMeta;
    } catch {
      return undefined;
    }
  }

  /** Numbers of the chunks that wait here, in order. */
  async numbers(run: string): Promise<number[]> {
    const found = new Set(this.held.get(run)?.keys() ?? []);
    try {
      const folder = await this.folder.getDirectoryHandle(run);
      for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) {
        if (/^\d+$/.test(name)) found.add(Number(name));
      }
    } catch {
      // nothing was written of it yet
    }
    return [...found].sort((one, other) => one - other);
  }

  /** A chunk as it was written; undefined and gone when it is torn. */
  async read(run: string, number: number): Promise<Piece | undefined> {
    const held = this.held.get(run)?.get(number);
    if (held) return held;
    try {
      const folder = await this.folder.getDirectoryHandle(run);
      const whole = await (await (await folder.getFileHandle(nameOf(number))).getFile()).arrayBuffer();
      const length = new DataView(whole).getUint32(0);
      const meta = JSON.parse(new TextDecoder().decode(whole.slice(4, 4 + length))) as ChunkMeta;
      const bytes = whole.slice(4 + length);
      if ((await digest(bytes)) === meta.sha256) return { ...meta, bytes };
    } catch {
      // cut off while it was written
    }
    await this.drop(run, number);
    return undefined;
  }

  /** What is said of a chunk, without its bytes being checked. */
  async told(run: string, number: number): Promise<ChunkMeta | undefined> {
    const held = this.held.get(run)?.get(number);
    if (held) return held;
    try {
      const folder = await this.folder.getDirectoryHandle(run);
      const file = await (await folder.getFileHandle(nameOf(number))).getFile();
      const length = new DataView(await file.slice(0, 4).arrayBuffer()).getUint32(0);
      return JSON.parse(await file.slice(4, 4 + length).text()) as ChunkMeta;
    } catch {
      return undefined;
    }
  }

  // ── the server has it ────────────────────────────────────────────────────

  async drop(run: string, number: number): Promise<void> {
    const held = this.held.get(run);
    const piece = held?.get(number);
    if (piece) {
      held?.delete(number);
      this.weight -= piece.bytes.byteLength;
    }
    try {
      await (await this.folder.getDirectoryHandle(run)).removeEntry(nameOf(number));
    } catch {
      // it was never on the disk
    }
  }

  async dropRun(run: string): Promise<void> {
    this.held.delete(run);
    await this.folder.removeEntry(run, { recursive: true }).catch(() => undefined);
  }
}

const nameOf = (number: number): string => String(number).padStart(5, "0");
