// One page in one room: what it hears, sends, draws and writes. It knows nothing of the screen; the
// view asks it and is told when something changed.
import { uuid, writeHeaders } from "../page";
import { Delay, quantile } from "./delay";
import type { Heard, MediaEngine, Sample } from "./engine";
import { Feeds, type Trouble } from "./feeds";
import { Ink, thinned, type Stroke, type Tool } from "./ink";
import { START, STEPS, next, planned, type Ladder, type Step } from "./ladder";
import { Line, type Admission } from "./line";
import { Recorder, type Pace, type Place, type RecorderState } from "./recorder";
import { Mesh } from "./mesh";
import { Sfu } from "./sfu";
import { Album, pieces, snapshot, type Still } from "./still";
import type { LogLine, Role, SeatInfo, Source, State, Welcome } from "./types";

export interface Picture {
  key: string; // seat/feed
  seat: string;
  feed: string;
  source: Source;
  stream: MediaStream | null; // null: announced, not here yet
  mine: boolean;
}

export interface View {
  changed(): void;
  trouble(what: Trouble | "unsaved" | "refused" | "unrecorded" | `disk-${Place}`, about: string): void;
  out(why: string): void;
  said(line: LogLine): void;
  still(feed: string, url: string, at: number): void;
  pointer(seat: string, feed: string, x: number, y: number): void;
}

type Packet =
  | { k: "ink"; id: string; feed: string; frame: string; tool: Tool; p: number[]; at: number; from: number }
  | { k: "line"; line: LogLine }
  | { k: "point"; feed: string; x: number; y: number }
  | { k: "got"; id: string }
  | { k: "beat"; t: number; seat: string }
  | { k: "echo"; t: number; to: string }
  | Still;

const MAIN: Source[] = ["endoscope", "field", "screen", "overview", "monitor", "face"];
const THEATRE: Role[] = ["operator", "nurse", "anaesthesia", "bedside"];
const REPORT = 10000;
const STILL_EVERY = 2500;
const PROBE_EVERY = 6000; // on voice alone, a still now and then asks whether more would fit

export class Session {
  readonly ink = new Ink();
  readonly line: Line;
  readonly feeds: Feeds;
  engine?: MediaEngine;
  welcome?: Welcome;
  readonly seats = new Map<string, SeatInfo>();
  readonly names = new Map<string, string>(); // also of those who have left
  readonly pictures = new Map<string, Picture>();
  readonly frames = new Map<string, string>(); // frozen picture → where it can be shown from
  readonly lines: LogLine[] = [];
  readonly contacts = new Map<string, boolean>();
  readonly ladders = new Map<string, Ladder>();
  readonly drawn: number[] = []; // ms that the last messages took there and back on the fast way
  samples: Sample[] = [];
  online = false;
  private voices = new Map<string, HTMLAudioElement>();
  private levels = new Map<string, () => number>();
  private album = new Album();
  private stills = new Map<string, { id: string; at: number; bits: number; kbps: number; done: number }>();
  private videos = new Map<string, HTMLVideoElement>(); // of our own feeds, for stills
  private met = new Set<string>();
  private timer = 0;
  private audio?: AudioContext;
  private delays = new Map<string, Delay>();

  constructor(pass: Admission, feeds: Feeds, private view: View) {
    this.feeds = feeds;
    this.line = new Line(pass, {
      welcome: (said) => this.enter(said),
      join: (seat) => this.come(seat),
      left: (seat) => this.gone(seat),
      role: (seat, role) => this.roleChanged(seat, role),
      state: (seat, state) => this.stated(seat, state),
      from: (seat, data) => this.from(seat, data),
      live: (seat, data) => this.packet(seat, data as Packet),
      log: (line) => this.logged(line),
      refused: (id, why) => this.refused(id, why),
      sfu: (said) => this.engine instanceof Sfu && this.engine.hear(said),
      open: (on) => {
        this.online = on;
        view.changed();
      },
      out: (why) => {
        this.stop();
        view.out(why);
      },
    });
  }

  start(): void {
    this.line.open();
    this.timer = window.setInterval(() => void this.look(), 500);
  }

  get me(): string {
    return this.line.seat;
  }

  // ── who is here ──────────────────────────────────────────────────────────

  private enter(said: Welcome): void {
    this.welcome = said;
    for (const [seat, name] of Object.entries(said.names ?? {})) this.names.set(seat, name);
    this.engine ??= this.make(said);
    const here = new Set(said.seats.map((one) => one.seat));
    // Who is not on the server's list may have lost the line only: their media says whether they are here.
    for (const seat of this.seats.keys()) if (!here.has(seat) && !this.contacts.get(seat)) this.gone(seat);
    for (const seat of said.seats) this.come(seat);
    this.publish();
    this.view.changed();
  }

  private make(said: Welcome): MediaEngine {
    const heard: Heard = {
      feed: (seat, feed, stream) => this.showed(seat, feed, stream),
      voice: (seat, stream) => this.spoke(seat, stream),
      packet: (seat, data) => this.packet(seat, data as Packet),
      contact: (seat, on) => this.contact(seat, on),
      signal: (to, data) => this.line.signal(to, data),
      ask: (body) => this.line.ask(body),
    };
    if (said.engine === "sfu") return new Sfu(said.seat, said.ice, heard);
    return new Mesh(said.seat, said.ice, heard, (seat) => this.reshape(seat));
  }

  private come(info: SeatInfo): void {
    this.names.set(info.seat, info.name);
    if (info.seat === this.me) return;
    this.departed.delete(info.seat);
    this.seats.set(info.seat, info);
    this.engine?.come(info);
    this.stated(info.seat, info.d);
  }

  /** The host of a lecture let somebody speak, or took the word back. */
  private roleChanged(seat: string, role: SeatInfo["role"]): void {
    const info = this.seats.get(seat);
    if (info) info.role = role;
    if (seat === this.me && this.welcome) {
      this.welcome.role = role;
      if (this.engine instanceof Sfu) this.engine.mayAgain();
      this.publish();
    }
    this.view.changed();
  }

  private departed = new Set<string>();

  private gone(seat: string): void {
    if (seat === this.me) return;
    this.departed.add(seat);
    this.seats.delete(seat);
    this.engine?.gone(seat);
    this.contacts.delete(seat);
    this.ladders.delete(seat);
    for (const picture of [...this.pictures.values()]) if (picture.seat === seat) this.drop(picture.key);
    this.view.changed();
  }

  private stated(seat: string, state: State): void {
    const info = this.seats.get(seat);
    if (!info) return;
    info.d = state;
    const feeds = state.feeds ?? [];
    for (const feed of feeds) this.picture(seat, feed.id, feed.source);
    for (const picture of [...this.pictures.values()]) {
      if (picture.seat === seat && state.feeds && !feeds.some((feed) => feed.id === picture.feed)) this.drop(picture.key);
    }
    this.view.changed();
  }

  private contact(seat: string, on: boolean): void {
    this.contacts.set(seat, on);
    this.view.changed();
  }

  nameOf(seat: string): string {
    return this.names.get(seat) ?? "";
  }

  // ── pictures and voices ──────────────────────────────────────────────────

  private picture(seat: string, feed: string, source?: Source): Picture {
    const key = `${seat}/${feed}`;
    let held = this.pictures.get(key);
    if (!held) {
      held = { key, seat, feed, source: source ?? "field", stream: null, mine: seat === this.me };
      this.pictures.set(key, held);
    }
    if (source) held.source = source;
    return held;
  }

  private showed(seat: string, feed: string, stream: MediaStream | null): void {
    this.picture(seat, feed).stream = stream;
    this.view.changed();
  }

  private drop(key: string): void {
    this.pictures.delete(key);
    this.delays.get(key)?.stop();
    this.delays.delete(key);
  }

  private spoke(seat: string, stream: MediaStream | null): void {
    this.voices.get(seat)?.remove();
    this.voices.delete(seat);
    this.levels.delete(seat);
    if (!stream) return this.recorder?.voice(seat, null);
    const voice = document.createElement("audio");
    voice.autoplay = true;
    voice.srcObject = stream;
    voice.dataset.seat = seat;
    document.body.append(voice);
    this.voices.set(seat, voice);
    this.recorder?.voice(seat, stream);
    void voice.play().catch(() => this.view.trouble("busy", "sound"));
    this.levels.set(seat, this.meter(stream));
  }

  /** Loudness of a stream, 0 to 1. */
  meter(stream: MediaStream): () => number {
    this.audio ??= new AudioContext();
    void this.audio.resume().catch(() => undefined);
    const analyser = this.audio.createAnalyser();
    analyser.fftSize = 512;
    this.audio.createMediaStreamSource(stream).connect(analyser);
    const values = new Float32Array(analyser.fftSize);
    return () => {
      analyser.getFloatTimeDomainData(values);
      return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    };
  }

  level(seat: string): number {
    return this.levels.get(seat)?.() ?? 0;
  }

  /** After a touch, where the browser wanted one. */
  unmuteAll(): void {
    void this.audio?.resume();
    for (const voice of this.voices.values()) void voice.play().catch(() => undefined);
  }

  /** What this page sends, anew: after a source came, went or changed. */
  publish(): void {
    if (!this.engine) return;
    for (const place of this.feeds.places) {
      const held = this.picture(this.me, place.id, place.source);
      const track = this.feeds.all.find((feed) => feed.id === place.id)?.track;
      if (held.stream?.getVideoTracks()[0] !== track) held.stream = track ? new MediaStream([track]) : null;
    }
    for (const picture of [...this.pictures.values()]) {
      if (picture.mine && !this.feeds.places.some((place) => place.id === picture.feed)) this.drop(picture.key);
    }
    this.engine.publish(this.feeds.all);
    this.engine.speak(this.feeds.voice);
    if (this.feeds.voice) this.recorder?.voice("me", new MediaStream([this.feeds.voice]));
    this.line.say({ mic: !!this.feeds.voice && !this.feeds.muted, feeds: this.feeds.all.map(({ id, source }) => ({ id, source })) });
    this.view.changed();
  }

  /** In the order of what matters during an operation. */
  ordered(): Picture[] {
    const rank = (one: Picture): number => MAIN.indexOf(one.source) * 2 + (one.mine ? 1 : 0);
    return [...this.pictures.values()].sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1));
  }

  /** The view shows a far picture in this element: from now on its age is known. */
  watch(picture: Picture, video: HTMLVideoElement): void {
    this.delays.get(picture.key)?.stop();
    this.delays.set(picture.key, new Delay(video, () => this.samples.find((one) => one.seat === picture.seat)?.rtt ?? 0));
  }

  /** The element that shows a far picture is so high now. */
  shownAt(picture: Picture, video: HTMLVideoElement): void {
    const height = Math.round(video.clientHeight * (window.devicePixelRatio || 1));
    if (!picture.mine && height) this.engine?.size?.(picture.seat, picture.feed, height);
  }

  delayOf(key: string): { middle: number; high: number; n: number } | null {
    return this.delays.get(key)?.figures ?? null;
  }

  /** Of the picture that is looked at, 0 when it is not known. */
  age(key: string | undefined): number {
    return (key && this.delayOf(key)?.middle) || 0;
  }

  // ── recording ────────────────────────────────────────────────────────────

  recorded?: RecorderState;
  private recorder?: Recorder;
  private recording = false; // asked for; the recorder opens its vault first

  /** Whoever is with the patient records what they show; the expert what comes from there. */
  private async keepRecord(): Promise<void> {
    const role = this.welcome?.role ?? "learner";
    const first = THEATRE.includes(role);
    const second = role === "expert" && this.engine instanceof Mesh;
    if (this.ended || !(first || second)) return;
    const feeds = first
      ? this.feeds.all
      : this.ordered().filter((one) => !one.mine && one.stream && one.source !== "face").map((one) => ({ id: one.feed, source: one.source, track: one.stream?.getVideoTracks()[0] as MediaStreamTrack }));
    if (!this.recorder) {
      if (this.recording || !feeds.length) return;
      this.recording = true;
      const options = { seat: this.me, owner: document.body.dataset.me ?? "", copy: second, now: () => this.line.now(), pace: () => this.pace, changed: (state: RecorderState) => this.sayRecorded(state) };
      this.recorder = await Recorder.open(options).catch(() => undefined);
      if (!this.recorder) return this.view.trouble("unrecorded", "");
      if (this.feeds.voice) this.recorder.voice("me", new MediaStream([this.feeds.voice]));
      for (const [seat, voice] of this.voices) this.recorder.voice(seat, voice.srcObject as MediaStream);
    }
    this.recorder.recordAll(feeds);
  }

  /** The recording never takes room from the talk. */
  private get pace(): Pace {
    if (!this.online) return "stop";
    const steps = [...this.ladders].filter(([seat]) => this.seats.has(seat)).map(([, one]) => one.step);
    const worst = Math.max(0, ...steps);
    return worst === 0 ? "full" : worst < 3 ? "slow" : "stop";
  }

  private sayRecorded(state: RecorderState): void {
    const before = this.recorded;
    this.recorded = state;
    const news = !before || Math.abs(before.behind - state.behind) > 5 || Math.floor(before.seconds / 20) !== Math.floor(state.seconds / 20);
    if (news) this.line.say({ recording: { seconds: state.seconds, behind: state.behind } });
    if (before && before.place !== state.place && state.place !== "both") this.view.trouble(`disk-${state.place}`, "");
    this.view.changed();
  }

  // ── every second ─────────────────────────────────────────────────────────

  private async look(): Promise<void> {
    if (!this.engine) return;
    this.samples = await this.engine.samples();
    const now = performance.now();
    for (const sample of this.samples) {
      if (this.engine instanceof Mesh) this.climb(sample, now);
      if (!this.met.has(sample.seat) && this.contacts.get(sample.seat) && (sample.voiced > 0 || sample.frames > 0)) {
        this.met.add(sample.seat);
        this.line.met([sample.seat]);
      }
    }
    this.gaveWay();
    this.engine.cast({ k: "beat", t: performance.now(), seat: this.me });
    this.tell();
    this.record();
    void this.keepRecord();
    this.view.changed();
  }

  private ownStep: Step = "full";

  /** Through a media server there is one way up for all; its steps are on record as well. */
  private gaveWay(): void {
    const step = this.engine?.step?.();
    if (!step || step === this.ownStep) return;
    this.ownStep = step;
    this.line.log("step", "", { step, kbps: Math.round(Math.max(0, ...this.samples.map((one) => one.room))), to: "" });
  }

  private tell(): void {
    const worst = Math.max(0, ...[...this.ladders.values()].map((one) => one.step));
    const seen = this.ordered().filter((one) => !one.mine).map((one) => this.delayOf(one.key)).find(Boolean);
    const state: State = { step: this.engine?.step ? this.ownStep : STEPS[worst] };
    if (seen) Object.assign(state, { delay: seen.middle, delay95: seen.high });
    const key = JSON.stringify([state.step, seen && Math.round(seen.middle / 20)]);
    if (key !== this.told) this.line.say(state);
    this.told = key;
  }

  // ── what the record of the operation needs to know of the link ──────────

  linkUrl = ""; // where the theatre says every ten seconds whether the guide is in contact
  private upSince = 0; // server's time; 0: no contact now
  private reported = { up: false, at: 0 };
  private minute = { began: 0, contact: 0, values: [] as number[], high: 0, lost: 0, n: 0 };

  /** Of those with the patient one page speaks for all: the one whose seat comes first. */
  private get speaks(): boolean {
    const mine = this.welcome?.role ?? "learner";
    if (!THEATRE.includes(mine)) return false;
    return ![...this.seats.values()].some((one) => THEATRE.includes(one.role) && one.seat < this.me);
  }

  private record(): void {
    const guides = [...this.seats.values()].filter((one) => one.role === "expert");
    const up = guides.some((one) => this.contacts.get(one.seat));
    const now = this.line.now();
    if (up && !this.upSince) this.upSince = now;
    if (!up) this.upSince = 0;
    const due = now - this.reported.at > REPORT || up !== this.reported.up;
    if (this.linkUrl && this.speaks && due) void this.report(up, now);
    this.measure(guides.map((one) => one.seat), up);
  }

  private async report(up: boolean, now: number): Promise<void> {
    this.reported = { up, at: now };
    const fields: Record<string, string> = { state: up ? "up" : "down", at: new Date(now).toISOString() };
    if (up) fields.since = new Date(this.upSince).toISOString();
    const delay = [...this.seats.values()].find((one) => one.d.delay)?.d.delay;
    if (delay !== undefined) fields.delay_ms = String(delay);
    fields.step = this.engine?.step ? this.ownStep : STEPS[Math.max(0, ...[...this.ladders.values()].map((one) => one.step))];
    try {
      await fetch(this.linkUrl, { method: "POST", headers: writeHeaders(uuid()), body: new URLSearchParams(fields) });
    } catch {
      this.reported.at = now - REPORT + 2000; // said again soon, with since when it has been up
    }
  }

  /** About a minute of the link as this page sees it: for the test before an operation, and for the record. */
  private measure(seats: string[], up: boolean): void {
    const { minute } = this;
    const now = performance.now();
    minute.began ||= now;
    if (up) minute.contact += 1;
    const own = this.ordered().filter((one) => !one.mine).map((one) => this.delayOf(one.key)).find(Boolean);
    const told = [...this.seats.values()].find((one) => one.d.delay)?.d;
    const [middle, high] = own ? [own.middle, own.high] : [told?.delay ?? 0, told?.delay95 ?? 0];
    if (middle) minute.values.push(middle);
    minute.high = Math.max(minute.high, high);
    for (const sample of this.samples) if (seats.includes(sample.seat)) [minute.lost, minute.n] = [minute.lost + sample.lost, minute.n + 1];
    if (now - minute.began < 60000) return;
    if (minute.contact && minute.values.length) {
      const seconds = Math.min(60, Math.round(minute.contact / 2));
      const lost = Math.round((1000 * minute.lost) / Math.max(1, minute.n));
      this.line.minute({ seconds, middle_ms: Math.round(quantile(minute.values, 0.5)), high_ms: Math.max(1, minute.high), lost });
    }
    this.minute = { began: now, contact: 0, values: [], high: 0, lost: 0, n: 0 };
  }

  private told = "";

  private climb(sample: Sample, now: number): void {
    const before = this.ladders.get(sample.seat) ?? START;
    const still = this.stills.get(sample.seat);
    const recent = still && now - still.at < PROBE_EVERY + 5000 ? still.kbps : 0;
    const sends = this.feeds.all.length > 0;
    const { ladder, fresh } = next(before, { ...sample, stills: recent }, now);
    this.ladders.set(sample.seat, sends ? ladder : { ...ladder, step: 0 });
    if (!sends) return;
    if (ladder.step !== before.step) {
      this.line.log("step", "", { step: STEPS[ladder.step], kbps: Math.round(sample.room), to: sample.seat });
      this.reshape(sample.seat);
    }
    if (fresh) this.engine?.renew(sample.seat, Math.min(1500, recent));
    this.sendStill(sample.seat, ladder.step, now);
  }

  /** All feeds to one seat as its step says. */
  private reshape(seat: string): void {
    const step = this.ladders.get(seat)?.step ?? 0;
    const mine = this.ordered().filter((one) => one.mine);
    mine.forEach((one, n) => this.engine?.shape(seat, one.feed, planned(step, n === 0, mine.length)));
    this.engine?.shape(seat, "voice", { active: step < STEPS.length - 1, kbps: 32, scale: 1 });
  }

  stepTo(seat: string): Step {
    return this.engine?.step ? this.ownStep : STEPS[this.ladders.get(seat)?.step ?? 0];
  }

  private sendStill(seat: string, step: number, now: number): void {
    if (step < 3) return;
    const last = this.stills.get(seat);
    if (last && !last.done && now - last.at < 15000) return; // the last one is not through yet
    if (last && now - last.at < (step === 3 ? STILL_EVERY : PROBE_EVERY)) return;
    const picture = this.ordered().find((one) => one.mine && one.stream);
    const video = picture && this.videoOf(picture);
    if (!picture || !video) return;
    const id = uuid();
    const kbps = this.stills.get(seat)?.kbps ?? 0;
    const record = { id, at: now, bits: 0, kbps, done: 0 };
    this.stills.set(seat, record);
    const edge = kbps > 250 ? 640 : step > 3 ? 240 : 400;
    void snapshot(video, edge, 0.45).then(async (blob) => {
      if (!blob) return;
      record.bits = blob.size * 8 * 1.4;
      record.at = performance.now();
      for (const piece of await pieces(id, picture.feed, this.line.now(), blob)) this.engine?.castTo(seat, piece);
    });
  }

  private videoOf(picture: Picture): HTMLVideoElement | undefined {
    let video = this.videos.get(picture.feed);
    if (!video) {
      video = document.createElement("video");
      video.muted = video.autoplay = video.playsInline = true;
      this.videos.set(picture.feed, video);
    }
    if (video.srcObject !== picture.stream) {
      video.srcObject = picture.stream;
      void video.play().catch(() => undefined);
    }
    return video.videoWidth ? video : undefined;
  }

  // ── the fast way ─────────────────────────────────────────────────────────

  private fast(packet: Packet): void {
    if (!this.engine?.cast(packet)) this.line.live(packet);
  }

  private from(seat: string, data: unknown): void {
    if (!this.departed.has(seat)) this.engine?.take(seat, data); // it may come before the word that they came
  }

  private packet(seat: string, packet: Packet): void {
    switch (packet?.k) {
      case "ink":
        return this.drafted(seat, packet);
      case "line":
        if (packet.line.n === 0 && packet.line.seat === seat) this.show(packet.line);
        return;
      case "point":
        return this.view.pointer(seat, packet.feed, packet.x, packet.y);
      case "still":
        return this.pasted(seat, packet);
      case "got":
        return this.through(seat, packet.id);
      case "beat":
        this.engine?.castTo(seat, { k: "echo", t: packet.t, to: seat });
        return;
      case "echo":
        this.drawn.push(performance.now() - packet.t);
        if (this.drawn.length > 240) this.drawn.shift();
    }
  }

  private drafted(seat: string, packet: Extract<Packet, { k: "ink" }>): void {
    const held = this.growing.get(packet.id) ?? [];
    held.splice(packet.from, held.length, ...packet.p);
    this.growing.set(packet.id, held);
    this.ink.draft({ id: packet.id, seat, feed: packet.feed, frame: packet.frame, tool: packet.tool, p: [...held], at: packet.at, n: Infinity, label: "" });
    this.view.changed();
  }

  private growing = new Map<string, number[]>();

  private pasted(seat: string, still: Still): void {
    const picture = this.album.take(still);
    if (!picture) return;
    this.engine?.castTo(seat, { k: "got", id: still.id });
    const url = URL.createObjectURL(picture);
    if (still.feed.startsWith("frame:")) {
      const frame = still.feed.slice(6);
      if (!this.frames.has(frame)) this.frames.set(frame, url);
      this.view.changed();
    } else this.view.still(still.feed, url, still.at);
  }

  private through(seat: string, id: string): void {
    const still = this.stills.get(seat);
    if (still?.id !== id) return;
    still.done = performance.now();
    const best = this.ladders.get(seat)?.best ?? 0;
    const took = Math.max(10, still.done - still.at - (Number.isFinite(best) ? best / 2 : 0));
    still.kbps = still.bits / took;
  }

  // ── drawing ──────────────────────────────────────────────────────────────

  /** A stroke that is being drawn; `end` writes it into the log. */
  draw(feed: string, frame: string, tool: Tool): { more(points: number[]): void; end(label?: string): void; cancel(): void } {
    const stroke: Stroke = { id: uuid(), seat: this.me, feed, frame, tool, p: [], at: this.line.now(), n: Infinity, label: "" };
    let sent = 0;
    const flush = (): void => {
      if (stroke.p.length <= sent && tool === "pen") return;
      const from = tool === "pen" ? sent : 0;
      this.fast({ k: "ink", id: stroke.id, feed, frame, tool, p: stroke.p.slice(from), at: stroke.at, from });
      sent = stroke.p.length;
    };
    const timer = window.setInterval(flush, 40);
    return {
      more: (points) => {
        stroke.p = tool === "pen" ? [...stroke.p, ...points].slice(0, 3000) : [...stroke.p.slice(0, 2), ...points].slice(-4);
        if (tool !== "pen" && stroke.p.length === 2) stroke.p = [...stroke.p, ...stroke.p];
        this.ink.draft(stroke);
        this.view.changed();
      },
      end: (label = "") => {
        window.clearInterval(timer);
        const p = thinned(stroke.p);
        if (p.length < 4) return this.ink.forget(stroke.id);
        this.write("stroke", feed, { tool, p, frame, ...(label ? { label } : {}) }, stroke.id);
      },
      cancel: () => {
        window.clearInterval(timer);
        this.ink.forget(stroke.id);
        this.view.changed();
      },
    };
  }

  point(feed: string, x: number, y: number): void {
    this.fast({ k: "point", feed, x, y });
  }

  /** Shown here at once, to the others by the fast way, and to everybody for good by the log. */
  write(kind: LogLine["kind"], feed: string, d: Record<string, unknown>, id?: string): LogLine {
    const line = this.line.log(kind, feed, d, id);
    this.show(line);
    this.engine?.cast({ k: "line", line });
    return line;
  }

  private show(line: LogLine): void {
    this.ink.take(line);
    this.growing.delete(line.id);
    this.view.changed();
  }

  private logged(line: LogLine): void {
    this.lines.push(line);
    if (line.kind === "freeze") this.frames.set(String(line.d.frame), this.frames.get(String(line.d.frame)) ?? `/rooms/frames/${String(line.d.frame)}/`);
    this.show(line);
    this.view.said(line);
  }

  private refused(id: string, why: string): void {
    this.ink.forget(id);
    this.view.trouble("refused", why);
  }

  undo(feed: string, frame: string): void {
    const last = this.ink.lastOf(this.me, feed, frame, this.line.now());
    if (last) this.write("undo", feed, { of: last.id });
  }

  // ── frozen pictures ──────────────────────────────────────────────────────

  /** Everybody sees this picture from now on; it is stored, also when the link is away for a while. */
  async freeze(feed: string, video: HTMLVideoElement): Promise<void> {
    const low = [...this.ladders.values()].some((one) => one.step >= 2);
    const picture = await snapshot(video, low ? 800 : 1280, low ? 0.6 : 0.82);
    if (!picture) return;
    const id = uuid();
    this.frames.set(id, URL.createObjectURL(picture));
    const line: LogLine = { n: 0, id, seat: this.me, kind: "freeze", feed, at: this.line.now(), d: { frame: id } };
    this.show(line);
    if (this.engine?.cast({ k: "line", line })) {
      const small = await snapshot(video, 640, 0.5);
      if (small) for (const piece of await pieces(id, `frame:${id}`, line.at, small)) this.engine.cast(piece);
    }
    await this.store(id, feed, picture);
  }

  unstored = 0;

  private async store(id: string, feed: string, picture: Blob): Promise<void> {
    this.unstored += 1;
    for (let wait = 800; ; wait = Math.min(wait * 2, 15000)) {
      try {
        const form = new FormData();
        form.append("file", new File([picture], "frame.jpg", { type: "image/jpeg" }));
        form.append("feed", feed);
        const answer = await fetch(`/rooms/seats/${this.me}/frames/${id}/`, { method: "POST", headers: writeHeaders(id), body: form });
        if (answer.ok) break;
        if (answer.status < 500 && answer.status !== 429) {
          this.view.trouble("unsaved", ((await answer.json().catch(() => ({}))) as { sentence?: string }).sentence ?? "");
          break;
        }
      } catch {
        // no network: it is kept here and sent again
      }
      if (this.ended) break;
      await new Promise((done) => setTimeout(done, wait));
    }
    this.unstored -= 1;
    this.view.changed();
  }

  // ── the end ──────────────────────────────────────────────────────────────

  private ended = false;

  stop(): void {
    if (this.ended) return;
    this.ended = true;
    window.clearInterval(this.timer);
    this.recorder?.close();
    this.line.close();
    this.engine?.close();
    this.delays.forEach((delay) => delay.stop());
    this.voices.forEach((voice) => voice.remove());
    void this.audio?.close();
  }
}
