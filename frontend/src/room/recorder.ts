// What the cameras show is recorded here, whatever the link does: by MediaRecorder in runs of five
// minutes, in chunks of three seconds. Each chunk is on this browser's disk before it is sent.
//
// Five minutes: the head of a run stands in its first chunk, so what a lost first chunk costs is one
// run; and a run is what a player opens, so that it begins to play at once. The next run begins
// before the last one ends. A chunk that is lost in the middle costs itself and the pictures up to
// the next whole one (every two seconds): the server puts the rest together.
import { uuid } from "../page";
import { lockOf, LIVE, Sender, sendLeftovers, waiting, type Pace } from "./sender";
import { digest, Full, Vault, type RunMeta } from "./vault";

export type { Pace } from "./sender";

export interface Recorded {
  id: string;
  source: string;
  track: MediaStreamTrack;
}

/** Where chunks go: "both" is as it should be; "none": nothing more can be kept. */
export type Place = "both" | "browser" | "server" | "none";

export interface RecorderState {
  seconds: number; // recorded since this page began
  behind: number; // of which the server does not have yet
  others: number; // seconds of somebody else in this browser
  refused: number; // seconds that the server does not want
  place: Place;
  running: number; // pictures that are being recorded
}

export interface RecorderOptions {
  seat: string;
  owner: string; // document.body.dataset.me
  now(): number; // the server's time, ms
  pace(): Pace; // green: full; amber: slow; red: stop
  copy?: boolean; // of what others send: the second copy
  changed?(state: RecorderState): void;
  timeslice?: number;
  runFor?: number; // ms
}

const TYPES = ["video/webm;codecs=h264,opus", "video/webm;codecs=avc1,opus", "video/webm;codecs=vp8,opus", "video/webm"];
const SLICE = 3000;
const RUN = 5 * 60_000;
const WHOLE = 2000; // ms between two whole pictures
const RATES: Record<string, number> = { field: 3_000_000, endoscope: 3_000_000 };
const RATE = 1_200_000;
const VOICE = 32_000;
const LOOK = 1000;

export const canRecord = (): boolean =>
  typeof MediaRecorder !== "undefined" && !!navigator.storage?.getDirectory && !!navigator.locks && !!crypto.subtle;

/** All voices in the room as one track: one file tells who said what to which picture. */
class Voices {
  private context?: AudioContext;
  private out?: MediaStreamAudioDestinationNode;
  private ways = new Map<string, MediaStreamAudioSourceNode>();

  constructor(private running: () => void) {}

  set(name: string, stream: MediaStream | null): void {
    this.ways.get(name)?.disconnect();
    this.ways.delete(name);
    if (!stream?.getAudioTracks().length) return;
    this.open();
    if (!this.context || !this.out) return;
    const way = this.context.createMediaStreamSource(new MediaStream(stream.getAudioTracks()));
    way.connect(this.out);
    this.ways.set(name, way);
  }

  private open(): void {
    if (this.context) return;
    this.context = new AudioContext();
    this.out = this.context.createMediaStreamDestination();
    this.context.onstatechange = () => this.context?.state === "running" && this.running();
    void this.context.resume().catch(() => undefined);
  }

  /** A track that does not flow would hold up the picture: then there is none. */
  get track(): MediaStreamTrack | undefined {
    return this.context?.state === "running" ? this.out?.stream.getAudioTracks()[0] : undefined;
  }

  close(): void {
    void this.context?.close();
    this.context = undefined;
  }
}

/** One start of MediaRecorder: its chunks, in order, chained. */
class Run {
  readonly meta: RunMeta;
  private media: MediaRecorder;
  private number = 0;
  private previous = "";
  private from: number;
  private line: Promise<void> = Promise.resolve();
  private stopped = false;
  readonly started: Promise<void>;
  readonly over: Promise<void>;
  closed = false; // nothing more comes

  constructor(feed: Recorded, sound: MediaStreamTrack | undefined, private owner: Recorder, private options: RecorderOptions) {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const tracks = sound ? [feed.track, sound] : [feed.track];
    const rate = RATES[feed.source] ?? RATE;
    this.media = new MediaRecorder(new MediaStream(tracks), {
      mimeType,
      videoBitsPerSecond: rate,
      audioBitsPerSecond: VOICE,
      videoKeyFrameIntervalDuration: WHOLE,
    } as MediaRecorderOptions);
    this.from = options.now();
    this.meta = {
      key: uuid(), seat: options.seat, owner: options.owner, feed: feed.id, source: feed.source,
      mime: this.media.mimeType || mimeType || "video/webm", copy: !!options.copy, started: this.from,
    };
    this.started = new Promise((done) => this.media.addEventListener("start", () => {
      this.from = this.meta.started = options.now();
      this.meta.mime = this.media.mimeType || this.meta.mime;
      done();
    }, { once: true }));
    this.over = new Promise((done) => {
      const end = (): void => {
        this.line = this.line.then(() => this.finish()).finally(done);
      };
      this.media.addEventListener("stop", end, { once: true });
      this.media.addEventListener("error", () => this.stop());
    });
    this.media.addEventListener("dataavailable", (event) => this.take(event.data));
    this.media.start(options.timeslice ?? SLICE);
  }

  private take(blob: Blob): void {
    if (!blob.size) return;
    const [number, from, until] = [this.number++, this.from, Math.max(this.from, this.options.now())];
    this.from = until;
    this.line = this.line.then(async () => {
      const bytes = await blob.arrayBuffer();
      const sha256 = await digest(bytes);
      const piece = { number, sha256, previous: this.previous, from, until, size: bytes.byteLength, bytes };
      this.previous = sha256;
      await this.owner.keep(this, piece);
    }).catch((fault: unknown) => console.error(fault));
  }

  /** How many chunks it has: with that the server knows that none is missing. */
  private async finish(): Promise<void> {
    this.meta.length = this.number;
    await this.owner.finished(this);
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    if (this.media.state !== "inactive") this.media.stop();
  }
}

export class Recorder {
  private vault?: Vault;
  private sender?: Sender;
  private voices: Voices;
  private feeds = new Map<string, { feed: Recorded; run: Run; begun: number }>();
  private open: Run[] = []; // of this page, until the server has all of them
  private begun = 0;
  private recorded = 0; // ms, before the feeds that run now
  private lost = false; // a chunk could be kept nowhere
  private timer = 0;
  private sending = false;
  private ended = false;
  private letGo?: () => void;
  private behind = { mine: 0, others: 0, refused: 0 };
  private releases = new Map<string, () => void>();

  private constructor(private options: RecorderOptions) {
    this.voices = new Voices(() => this.renew());
  }

  /** Undefined where this browser cannot record: the page says so. */
  static async open(options: RecorderOptions): Promise<Recorder | undefined> {
    if (!canRecord()) return undefined;
    const recorder = new Recorder(options);
    recorder.vault = await Vault.open();
    void navigator.storage.persist?.().catch(() => false); // else a browser may clear it when short of room
    recorder.sender = new Sender(recorder.vault, options.owner, options.pace, () => void recorder.look());
    void navigator.locks.request(LIVE, { mode: "shared" }, () => new Promise<void>((done) => (recorder.letGo = done)));
    recorder.timer = window.setInterval(() => void recorder.tick(), LOOK);
    void sendLeftovers(recorder.vault, options.owner, () => (options.pace() === "full" ? "slow" : options.pace()), () => void recorder.look());
    return recorder;
  }

  // ── what is recorded ─────────────────────────────────────────────────────

  /** A picture to record, from now on; the same id again with another track is a new run of it. */
  record(feed: Recorded): void {
    const known = this.feeds.get(feed.id);
    if (known?.feed.track === feed.track && !known.run.closed) return;
    this.stop(feed.id);
    if (this.ended || feed.track.readyState !== "live") return;
    this.begun ||= performance.now();
    feed.track.addEventListener("ended", () => this.feeds.get(feed.id)?.feed.track === feed.track && this.stop(feed.id));
    this.feeds.set(feed.id, { feed, run: this.run(feed), begun: performance.now() });
    this.say();
  }

  /** Exactly these: what is not among them ends. */
  recordAll(feeds: Recorded[]): void {
    for (const id of [...this.feeds.keys()]) if (!feeds.some((feed) => feed.id === id)) this.stop(id);
    feeds.forEach((feed) => this.record(feed));
  }

  stop(id: string): void {
    this.feeds.get(id)?.run.stop();
    this.feeds.delete(id);
    if (!this.feeds.size && this.begun) {
      this.recorded += performance.now() - this.begun;
      this.begun = 0;
    }
    this.say();
  }

  /** A voice in the room begins (a stream) or ends (null); one's own as well. */
  voice(name: string, stream: MediaStream | null): void {
    this.voices.set(name, stream);
  }

  private run(feed: Recorded): Run {
    const run = new Run(feed, this.voices.track, this, this.options);
    this.open.push(run);
    void navigator.locks.request(lockOf(run.meta.key), () => new Promise<void>((done) => this.releases.set(run.meta.key, done)));
    return run;
  }

  /** A new run of everything: the voices flow now, or five minutes are over. */
  private renew(older = 0): void {
    for (const held of this.feeds.values()) {
      if (performance.now() - held.begun < older) continue;
      const last = held.run;
      held.run = this.run(held.feed);
      held.begun = performance.now();
      void held.run.started.then(() => last.stop()); // the two overlap; there is no gap
    }
  }

  // ── where it goes ────────────────────────────────────────────────────────

  /** A chunk is on the disk, or else in memory and on its way, before the next one is looked at. */
  async keep(run: { meta: RunMeta }, piece: Parameters<Vault["write"]>[1]): Promise<void> {
    try {
      if (piece.number === 0) await this.vault?.begin(run.meta).catch((fault: unknown) => { if (!(fault instanceof Full)) throw fault; });
      await this.vault?.write(run.meta, piece);
      this.lost = false;
    } catch (fault) {
      if (!(fault instanceof Full)) throw fault;
      this.lost = true; // the next chunk's hash still tells which one this was
    }
    void this.work();
    void this.look();
  }

  /** A run is over: how long it is stands beside it, whatever becomes of this page. */
  async finished(run: Run): Promise<void> {
    await this.vault?.note(run.meta).catch(() => undefined);
    run.closed = true;
    void this.work();
  }

  /** One run after the other, oldest first. */
  private async work(): Promise<void> {
    if (this.sending || !this.sender) return;
    this.sending = true;
    try {
      for (let again = true; again; ) {
        again = false;
        for (const run of [...this.open]) {
          if (run.meta.refused) continue;
          const had = await this.count(run);
          const gone = await this.sender.send(run.meta, () => !run.closed);
          if (gone || (run.closed && run.meta.length === 0)) {
            this.open = this.open.filter((one) => one !== run);
            this.releases.get(run.meta.key)?.();
            this.releases.delete(run.meta.key);
          }
          again ||= !gone && (await this.count(run)) < had; // more came meanwhile
        }
      }
    } finally {
      this.sending = false;
    }
  }

  private async count(run: Run): Promise<number> {
    return (await this.vault?.numbers(run.meta.key))?.length ?? 0;
  }

  // ── what is said ─────────────────────────────────────────────────────────

  private async tick(): Promise<void> {
    this.renew(this.options.runFor ?? RUN);
    await this.work();
    await this.look();
  }

  private looking = false;

  private async look(): Promise<void> {
    if (!this.vault || this.looking) return;
    this.looking = true;
    try {
      this.behind = await waiting(this.vault, this.options.owner);
    } finally {
      this.looking = false;
    }
    this.say();
  }

  get state(): RecorderState {
    const seconds = (this.recorded + (this.begun ? performance.now() - this.begun : 0)) / 1000;
    const [here, there] = [!this.vault?.full, !this.sender?.serverFull];
    const place = this.lost ? "none" : here && there ? "both" : here ? "browser" : "server";
    return {
      seconds: Math.round(seconds), behind: Math.round(this.behind.mine), others: Math.round(this.behind.others),
      refused: Math.round(this.behind.refused), place, running: this.feeds.size,
    };
  }

  private say(): void {
    this.options.changed?.(this.state);
  }

  /** Ends all runs; resolved when all of it is on this disk. It is sent while the page stays, or
   * by the next visit of any page. */
  async close(): Promise<void> {
    this.ended = true;
    for (const id of [...this.feeds.keys()]) this.stop(id);
    await Promise.all(this.open.map((run) => run.over));
    this.voices.close();
    this.letGo?.();
  }

  /** When the server has everything that this page recorded. */
  async sent(): Promise<void> {
    while (this.open.some((run) => !run.meta.refused)) await new Promise((done) => setTimeout(done, 200));
    window.clearInterval(this.timer);
    this.sender?.close();
  }
}
