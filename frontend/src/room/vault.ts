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
const END = "end.json"; // beside it, so that what stands there is never written over
const MEMORY = 64 << 20; // bytes that may wait in memory when this browser's disk is full

export class Full extends Error {}

const hex = (buffer: ArrayBuffer): string => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const digest = async (bytes: ArrayBuffer): Promise<string> => hex(await crypto.subtle.digest("SHA-256", bytes));

export class Vault {
  private worker?: Worker;
  private orders = new Map<number, { done: () => void; failed: (why: Error) => void }>();
  private order = 0;
  private held = new Map<string, Map<number, Piece>>(); // run -> chunks in memory
  private metas = new Map<string, RunMeta>(); // of this page's own runs
  private weight = 0;
  full = false; // this browser's disk is

  private constructor(private folder?: FileSystemDirectoryHandle) {}

  /** What an earlier visit has left; undefined when it has left nothing. */
  static async find(): Promise<Vault | undefined> {
    try {
      const root = await navigator.storage.getDirectory();
      return new Vault(await root.getDirectoryHandle(FOLDER));
    } catch {
      return undefined;
    }
  }

  /** To write in. Of a browser whose disk is full the memory is left, and the server. */
  static async open(): Promise<Vault> {
    try {
      const root = await navigator.storage.getDirectory();
      return new Vault(await root.getDirectoryHandle(FOLDER, { create: true }));
    } catch {
      const vault = new Vault();
      vault.full = true;
      return vault;
    }
  }

  private async of(run: string, create = false): Promise<FileSystemDirectoryHandle> {
    if (!this.folder) throw new Full();
    return this.folder.getDirectoryHandle(run, { create });
  }

  // ── writing ──────────────────────────────────────────────────────────────

  async begin(meta: RunMeta): Promise<void> {
    this.metas.set(meta.key, meta);
    await this.put(meta.key, META, encoded(meta));
  }

  /** How long the run is, or that the server does not want it. */
  async note(meta: RunMeta): Promise<void> {
    await this.put(meta.key, END, encoded({ length: meta.length, refused: meta.refused }));
  }

  /** On the disk when it returns; else in memory; else it is Full, and the chunk is lost here. */
  async write(run: RunMeta, piece: Piece): Promise<void> {
    const { bytes, ...said } = piece;
    const head = new Uint8Array(encoded({ ...said, run })); // each chunk tells whose it is
    const whole = new Uint8Array(4 + head.length + bytes.byteLength);
    new DataView(whole.buffer).setUint32(0, head.length);
    whole.set(head, 4);
    whole.set(new Uint8Array(bytes), 4 + head.length);
    try {
      await this.put(run.key, nameOf(piece.number), whole.buffer);
      this.full = false;
    } catch (fault) {
      if (!(fault instanceof Full)) throw fault;
      this.full = true;
      if (this.weight + bytes.byteLength > MEMORY) throw fault;
      this.weight += bytes.byteLength;
      const chunks = this.held.get(run.key) ?? new Map<number, Piece>();
      this.held.set(run.key, chunks.set(piece.number, piece));
    }
  }

  private async put(run: string, name: string, bytes: ArrayBuffer): Promise<void> {
    if (!this.folder) throw new Full();
    if (typeof Worker === "undefined") return this.plainly(run, name, bytes);
    this.worker ??= this.start();
    const id = ++this.order;
    await new Promise<void>((done, failed) => {
      this.orders.set(id, { done, failed });
      this.worker?.postMessage({ id, run, name, bytes }, [bytes]);
    });
  }

  private start(): Worker {
    const worker = new Worker("/static/dist/keeper.js");
    worker.onmessage = ({ data }: MessageEvent<{ id: number; error?: string }>) => {
      const order = this.orders.get(data.id);
      this.orders.delete(data.id);
      if (data.error) order?.failed(new Full(data.error)); // whatever the reason: it is not kept here
      else order?.done();
    };
    worker.onerror = () => {
      for (const { failed } of this.orders.values()) failed(new Full());
      this.orders.clear();
      this.worker = undefined;
    };
    return worker;
  }

  /** Without a worker: whole or not at all as well, only not yet surely on the disk. */
  private async plainly(run: string, name: string, bytes: ArrayBuffer): Promise<void> {
    try {
      const folder = await this.of(run, true);
      const file = await folder.getFileHandle(name, { create: true });
      const stream = await file.createWritable();
      await stream.write(bytes);
      await stream.close();
    } catch (fault) {
      throw new Full(String(fault));
    }
  }

  // ── reading ──────────────────────────────────────────────────────────────

  async runs(): Promise<RunMeta[]> {
    const found = new Map(this.metas);
    if (this.folder) {
      for await (const handle of (this.folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()) {
        if (handle.kind !== "directory" || found.has(handle.name)) continue;
        const meta = await this.meta(handle.name);
        if (meta) found.set(handle.name, meta);
      }
    }
    return [...found.values()].sort((one, other) => one.started - other.started);
  }

  /** From the run's own file, or from the first of its chunks that can be read. */
  private async meta(run: string): Promise<RunMeta | undefined> {
    let meta = await this.json<RunMeta>(run, META);
    for (const number of meta ? [] : await this.numbers(run)) {
      meta = ((await this.told(run, number)) as (ChunkMeta & { run?: RunMeta }) | undefined)?.run;
      if (meta) break;
    }
    return meta && { ...meta, ...(await this.json<Partial<RunMeta>>(run, END)) };
  }

  private async json<T>(run: string, name: string): Promise<T | undefined> {
    try {
      const file = await (await (await this.of(run)).getFileHandle(name)).getFile();
      return JSON.parse(await file.text()) as T;
    } catch {
      return undefined;
    }
  }

  /** Numbers of the chunks that wait here, in order. */
  async numbers(run: string): Promise<number[]> {
    const found = new Set(this.held.get(run)?.keys() ?? []);
    try {
      const folder = await this.of(run);
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
      const folder = await this.of(run);
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
      const folder = await this.of(run);
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
      await (await this.of(run)).removeEntry(nameOf(number));
    } catch {
      // it was never on the disk
    }
  }

  async dropRun(run: string): Promise<void> {
    this.held.delete(run);
    this.metas.delete(run);
    await this.folder?.removeEntry(run, { recursive: true }).catch(() => undefined);
  }
}

const encoded = (said: unknown): ArrayBuffer => new TextEncoder().encode(JSON.stringify(said)).buffer as ArrayBuffer;
const nameOf = (number: number): string => String(number).padStart(5, "0");
