// Through the media server: one connection up with all that this page sends, in three sizes, and one
// down with all that it receives. Our own server passes every request on and checks it; the browser
// meets Janus only on its media port.
import { preferCodecs, type Heard, type MediaEngine, type Sample, type Shape } from "./engine";
import { HIGH, RATES, SCALES, allot, begin, hold, judge, sending, type Picture } from "./layers";
import type { Step } from "./ladder";
import type { Feed, SeatInfo } from "./types";

const LOOK = 1000;
const SILENT = 3000; // without a packet for so long there is no contact
const PATIENCE = 8000; // a connection that does not open by then is made anew
const ANSWERS = 10000; // ms; our server gives Janus 8 seconds
const WAITS = [300, 700, 1500, 3000];
const VOICE = "voice";
const RIDS = ["l", "m", "h"];

type Source = [seat: string, feed: string];
type There = [seat: string, feed: string, kind: string, layered: boolean];
interface Offered {
  sdp: string | null;
  mids: Record<string, Source>;
}
interface Told {
  ready?: boolean;
  lost?: boolean;
  feeds?: There[];
  ended?: "up" | "down";
  g?: number;
}

const nameOf = (seat: string, feed: string): string => `${seat} ${feed}`;
const pause = (ms: number): Promise<void> => new Promise((done) => window.setTimeout(done, ms));

/** Three sizes; of what is small already, one: Chromium makes no third layer below 960 × 540. */
function encodings(track: MediaStreamTrack): RTCRtpEncodingParameters[] {
  const { width = 1280, height = 720 } = track.getSettings();
  if (width * height < 960 * 540) return [{ maxBitrate: RATES[1] * 1000 }];
  return [2, 1, 0].map((layer) => ({ rid: RIDS[layer], maxBitrate: RATES[layer] * 1000, scaleResolutionDownBy: SCALES[layer] }));
}

/** One connection to the media server; `up` or `down`. */
abstract class Way {
  readonly pc: RTCPeerConnection;
  private early: (RTCIceCandidateInit | null)[] | null = [];
  private patience: number;
  protected work: Promise<void> = Promise.resolve();
  ended = false;

  constructor(readonly way: "up" | "down", readonly generation: number, protected sfu: Sfu) {
    this.pc = new RTCPeerConnection({ iceServers: sfu.ice, bundlePolicy: "max-bundle" });
    this.pc.onicecandidate = (event) => this.candidate(event.candidate?.toJSON() ?? null);
    this.pc.onconnectionstatechange = () => {
      if (this.pc.connectionState === "connected") {
        window.clearTimeout(this.patience);
        sfu.carries(this);
      }
      if (this.pc.connectionState === "failed") sfu.broke(this);
    };
    this.patience = window.setTimeout(() => sfu.broke(this), PATIENCE);
  }

  private candidate(candidate: RTCIceCandidateInit | null): void {
    if (this.early) this.early.push(candidate);
    else void this.ask({ do: "candidate", way: this.way, c: candidate }).catch(() => undefined);
  }

  /** The server knows this connection: candidates may go. */
  protected known(): void {
    const held = this.early ?? [];
    this.early = null;
    held.forEach((candidate) => this.candidate(candidate));
  }

  protected ask<T>(body: object): Promise<T> {
    return this.sfu.ask({ ...body, g: this.generation });
  }

  /** One thing after the other; what fails makes the connection anew. */
  protected then(step: () => Promise<void>): void {
    this.work = this.work.then(async () => {
      if (this.ended) return;
      try {
        await step();
      } catch (fault) {
        if (!this.ended) this.sfu.broke(this, fault);
      }
    });
  }

  close(): void {
    this.ended = true;
    window.clearTimeout(this.patience);
    this.pc.onconnectionstatechange = null;
    this.pc.onicecandidate = null;
    this.pc.close();
  }
}

class Up extends Way {
  private sending = new Map<string, RTCRtpTransceiver>();
  private voice?: RTCRtpTransceiver;

  constructor(generation: number, sfu: Sfu) {
    super("up", generation, sfu);
    this.pc.onnegotiationneeded = () => this.then(() => this.offer());
  }

  private async offer(): Promise<void> {
    if (this.pc.signalingState !== "stable") return;
    await this.pc.setLocalDescription();
    const mids: Record<string, string> = {};
    for (const [feed, way] of this.sending) if (way.mid) mids[way.mid] = feed;
    if (this.voice?.mid) mids[this.voice.mid] = VOICE;
    const asked = this.ask<{ sdp: string }>({ do: "publish", sdp: this.pc.localDescription?.sdp, mids });
    this.known();
    await this.pc.setRemoteDescription({ type: "answer", sdp: (await asked).sdp });
    for (const feed of this.sending.keys()) this.sfu.reshape(feed);
  }

  publish(feeds: Feed[]): void {
    for (const [id, way] of [...this.sending]) {
      if (feeds.some((feed) => feed.id === id)) continue;
      void way.sender.replaceTrack(null);
      way.direction = "inactive";
      this.sending.delete(id);
    }
    for (const feed of feeds) {
      const way = this.sending.get(feed.id);
      if (way) {
        if (way.sender.track !== feed.track) void way.sender.replaceTrack(feed.track);
        continue;
      }
      const sharp = feed.source === "monitor" || feed.source === "screen";
      feed.track.contentHint = sharp ? "detail" : "motion";
      const made = this.pc.addTransceiver(feed.track, {
        direction: "sendonly",
        sendEncodings: encodings(feed.track),
      });
      preferCodecs(made);
      this.sending.set(feed.id, made);
    }
  }

  speak(track: MediaStreamTrack | null): void {
    if (this.voice) return void this.voice.sender.replaceTrack(track);
    if (!track) return;
    this.voice = this.pc.addTransceiver(track, {
      direction: "sendonly",
      sendEncodings: [{ maxBitrate: 32000, priority: "high", networkPriority: "high" }],
    });
  }

  /** The sizes that fit into so much; the smallest is the last to go. */
  async shape(feed: string, kbps: number): Promise<void> {
    const sender = this.sending.get(feed)?.sender;
    if (!sender) return;
    try {
      const parameters = sender.getParameters();
      for (const encoding of parameters.encodings) {
        const layer = encoding.rid ? RIDS.indexOf(encoding.rid) : 1;
        const below = !encoding.rid ? 0 : RATES.slice(0, layer).reduce((sum, rate) => sum + rate, 0);
        encoding.active = kbps > below && kbps > 0;
        encoding.maxBitrate = Math.max(30, Math.min(RATES[layer], kbps - below)) * 1000;
      }
      await sender.setParameters(parameters);
    } catch {
      return; // the connection is being made or has ended: it is shaped once it is described
    }
  }
}

class Down extends Way {
  readonly mids = new Map<string, Source>();
  readonly shown = new Map<string, { source: Source; track: MediaStreamTrack }>();

  constructor(generation: number, sfu: Sfu) {
    super("down", generation, sfu);
  }

  /** All that is there comes to this page. */
  subscribe(): void {
    this.then(async () => {
      const said = await this.ask<Offered>({ do: "subscribe", of: this.sfu.there.map(([seat, feed]) => [seat, feed]) });
      this.known();
      this.mids.clear();
      for (const [mid, source] of Object.entries(said.mids)) this.mids.set(mid, source);
      if (said.sdp) {
        await this.pc.setRemoteDescription({ type: "offer", sdp: said.sdp });
        await this.pc.setLocalDescription();
        await this.ask({ do: "answer", sdp: this.pc.localDescription?.sdp });
      }
      this.name();
    });
  }

  private name(): void {
    const tracks = new Map(this.pc.getTransceivers().map((way) => [way.mid ?? "", way.receiver.track]));
    const now = new Set<string>();
    for (const [mid, source] of this.mids) {
      const track = tracks.get(mid);
      if (!track) continue;
      const name = nameOf(...source);
      now.add(name);
      if (this.shown.get(name)?.track === track) continue;
      this.shown.set(name, { source, track });
      this.sfu.show(this, source, track);
    }
    for (const [name, { source }] of [...this.shown]) {
      if (now.has(name)) continue;
      this.shown.delete(name);
      this.sfu.show(this, source, null);
    }
  }
}

interface Counted {
  at: number;
  bytes: number;
  frames: number;
  concealed: number;
  voiced: number;
  packets: number;
  lost: number;
  heard: number;
  kbps: number;
}

const nothing = (): Counted => ({ at: 0, bytes: 0, frames: 0, concealed: 0, voiced: 0, packets: 0, lost: 0, heard: 0, kbps: 0 });

export class Sfu implements MediaEngine {
  there: There[] = [];
  private feeds: Feed[] = [];
  private track: MediaStreamTrack | null = null;
  private up?: Up;
  private down?: Down;
  private next?: Down; // a renewed way down, until it carries
  private old?: Up; // what the renewed way up takes over from
  private generation = 0;
  private tries = 0;
  private entering = false;
  private barred = false; // the role may not send
  private closed = false;
  private shapes = new Map<string, Map<string, Shape>>(); // feed → seat → shape
  private heights = new Map<string, number>();
  private layers = new Map<string, number>();
  private budget = begin(performance.now());
  private held = sending(performance.now()); // whether one's own pictures wait for the voice
  private seats = new Map<string, Counted>();
  private contacts = new Set<string>();
  private total = nothing();
  private sent = { at: 0, bytes: 0, kbps: 0 };
  private rtt = 0;
  private timer = window.setInterval(() => void this.look(), LOOK);

  constructor(readonly me: string, readonly ice: RTCIceServer[], readonly on: Heard, readonly renewed: () => void = () => undefined) {
    void this.enter();
  }

  // ── into the room, and again after anything between us broke ───────────────

  private async enter(): Promise<void> {
    if (this.entering) return;
    this.entering = true;
    for (let tries = 0; !this.closed; tries++) {
      try {
        const said = await this.ask<{ held: boolean; feeds: There[] }>({ do: "enter" });
        if (!said.held) this.reset();
        this.entering = false;
        this.settle(said.feeds);
        if (!this.up) this.send();
        return;
      } catch {
        await pause(WAITS[Math.min(tries, WAITS.length - 1)]);
      }
    }
    this.entering = false;
  }

  /** What is not answered is as good as refused. */
  async ask<T>(body: object): Promise<T> {
    let timer = 0;
    const late = new Promise<never>((_done, failed) => {
      timer = window.setTimeout(() => failed(new Error("no answer")), ANSWERS);
    });
    try {
      return (await Promise.race([this.on.ask(body), late])) as T;
    } finally {
      window.clearTimeout(timer);
    }
  }

  private reset(): void {
    for (const way of [this.up, this.old, this.down, this.next]) way?.close();
    this.up = this.old = this.down = this.next = undefined;
    this.layers.clear();
  }

  take(_from: string, _data: unknown): void {
    return; // pages signal nothing to each other
  }

  /** What the server tells of the media server. */
  hear(data: unknown): void {
    const said = data as Told;
    if (said.lost || said.ready) void this.enter();
    if (said.feeds && !this.entering) this.settle(said.feeds);
    if (said.ended === "up" && said.g === this.up?.generation) this.broke(this.up as Up);
    if (said.ended === "down" && said.g === (this.next ?? this.down)?.generation) this.broke((this.next ?? this.down) as Down);
  }

  private settle(there: There[]): void {
    this.there = there;
    if (!there.length && !this.down && !this.next) return;
    if (!this.down && !this.next) this.down = new Down(++this.generation, this);
    this.down?.subscribe();
    this.next?.subscribe();
  }

  // ── ways that open, break and are renewed ──────────────────────────────────

  carries(way: Way): void {
    this.tries = 0;
    if (way === this.up) {
      this.old?.close();
      this.old = undefined;
      if (way.generation > 1) this.renewed();
    }
    if (way !== this.next) return;
    const old = this.down;
    this.down = this.next;
    this.next = undefined;
    this.layers.clear();
    for (const { source, track } of this.down.shown.values()) this.tell(source, track);
    for (const [name, { source }] of old?.shown ?? []) if (!this.down.shown.has(name)) this.tell(source, null);
    old?.close();
    this.renewed();
  }

  broke(way: Way, fault?: unknown): void {
    if (way.ended || this.closed) return;
    const why = fault instanceof Error ? fault.message : "";
    if (way === this.up && why.includes("role")) {
      this.barred = true;
      this.up.close();
      this.up = undefined;
      return;
    }
    const wait = WAITS[Math.min(this.tries++, WAITS.length - 1)];
    if (way === this.up) {
      this.up.close();
      this.up = undefined;
      window.setTimeout(() => !this.up && this.send(), wait);
    } else if (way === this.next) {
      this.next.close();
      this.next = undefined;
    } else if (way === this.down) {
      this.down.close(); // what was shown stands still until it comes again
      const held = this.down.shown;
      this.down = undefined;
      window.setTimeout(() => {
        if (this.closed || this.down) return;
        this.layers.clear();
        this.settle(this.there);
        for (const { source } of held.values()) if (!this.there.some(([seat, feed]) => seat === source[0] && feed === source[1])) this.tell(source, null);
      }, wait);
    }
  }

  renew(_seat: string): void {
    if (this.up && !this.old) {
      this.old = this.up;
      this.up = undefined;
      this.send();
    }
    if (this.down && !this.next) {
      this.next = new Down(++this.generation, this);
      this.next.subscribe();
    }
  }

  // ── up ─────────────────────────────────────────────────────────────────────

  private send(): void {
    if (this.closed || this.barred || this.entering || (!this.feeds.length && !this.track)) return;
    this.up = new Up(++this.generation, this);
    this.up.speak(this.track);
    this.up.publish(this.feeds);
  }

  publish(feeds: Feed[]): void {
    this.feeds = feeds;
    for (const feed of this.shapes.keys()) if (!feeds.some((one) => one.id === feed)) this.shapes.delete(feed);
    if (this.up) this.up.publish(feeds);
    else this.send();
  }

  speak(track: MediaStreamTrack | null): void {
    this.track = track;
    if (this.up) this.up.speak(track);
    else this.send();
  }

  /** The role changed: what was refused may be asked for again. */
  mayAgain(): void {
    this.barred = false;
    if (!this.up) this.send();
  }

  /** One upload serves all: it is as large as the seat wants it that takes most. */
  shape(seat: string, feed: string, shape: Shape): void {
    if (!this.shapes.has(feed)) this.shapes.set(feed, new Map());
    this.shapes.get(feed)?.set(seat, shape);
    this.reshape(feed);
  }

  reshape(feed: string): void {
    if (this.held.off) return void this.up?.shape(feed, 0);
    const shapes = [...(this.shapes.get(feed)?.values() ?? [])];
    if (!shapes.length) return;
    void this.up?.shape(feed, Math.max(...shapes.map((one) => (one.active ? one.kbps / Math.max(1, one.scale) : 0))));
  }

  // ── down ───────────────────────────────────────────────────────────────────

  show(way: Down, source: Source, track: MediaStreamTrack | null): void {
    if (way === this.down) this.tell(source, track);
  }

  private tell([seat, feed]: Source, track: MediaStreamTrack | null): void {
    const stream = track && new MediaStream([track]);
    if (feed === VOICE) this.on.voice(seat, stream);
    else this.on.feed(seat, feed, stream);
  }

  /** How far one's own sending has given way. */
  step(): Step {
    return this.held.off ? "voice" : "full";
  }

  /** How high a picture stands on the page, in pixels of the screen; 0 when it is not shown. */
  size(seat: string, feed: string, height: number): void {
    this.heights.set(nameOf(seat, feed), height);
  }

  /** What this page receives of a picture now. */
  layer(seat: string, feed: string): number {
    return this.layers.get(nameOf(seat, feed)) ?? HIGH;
  }

  come(_seat: SeatInfo): void {
    return; // the media server says what there is
  }

  gone(seat: string): void {
    for (const shapes of this.shapes.values()) shapes.delete(seat);
    for (const feed of this.shapes.keys()) this.reshape(feed);
    this.seats.delete(seat);
    if (this.contacts.delete(seat)) this.on.contact(seat, false);
  }

  /** Data goes by way of our server. */
  cast(_data: unknown): boolean {
    return false;
  }

  castTo(_seat: string, _data: unknown): boolean {
    return false;
  }

  // ── how the links are ──────────────────────────────────────────────────────

  /** Chromium sends smaller pictures by itself; on a link for a voice only, none. */
  private async guard(): Promise<void> {
    const up = this.up;
    if (!up || !this.feeds.length || up.pc.connectionState !== "connected") return;
    let room = 0;
    (await up.pc.getStats()).forEach((row: Record<string, number & string & boolean>) => {
      if (row.type === "candidate-pair" && row.nominated) room = (row.availableOutgoingBitrate ?? 0) / 1000;
    });
    const before = this.held.off;
    this.held = hold(this.held, room, performance.now());
    if (this.held.off === before) return;
    if (this.held.off) for (const feed of this.feeds) this.reshape(feed.id);
    else if (this.up && !this.old) {
      this.old = this.up; // a fresh connection finds what fits sooner than an old one that grows
      this.up = undefined;
      this.send();
    }
  }

  private async look(): Promise<void> {
    await this.guard();
    const way = this.down;
    if (!way || this.closed) return;
    const before = this.total;
    await this.count(way);
    this.contact();
    if (way !== this.down || way.pc.connectionState !== "connected" || !before.at) return;
    const packets = this.total.packets - before.packets;
    const lost = this.total.lost - before.lost;
    const voiced = this.total.voiced - before.voiced;
    const link = {
      at: performance.now(),
      received: this.total.kbps,
      lost: packets + lost > 20 ? Math.max(0, lost) / (packets + Math.max(0, lost)) : 0,
      rtt: this.rtt,
      concealed: voiced > 0 ? Math.max(0, this.total.concealed - before.concealed) / voiced : 0,
    };
    const pictures: Picture[] = this.there
      .filter(([, , kind]) => kind === "video")
      .map(([seat, feed, , layered]) => ({ name: nameOf(seat, feed), layered, height: this.heights.get(nameOf(seat, feed)) ?? 720 }));
    this.budget = judge(this.budget, link, allot(this.budget.kbps, pictures).short);
    this.demand(allot(this.budget.kbps, pictures).layers);
  }

  private demand(layers: Map<string, number>): void {
    const of: [string, string, number][] = [];
    for (const [name, layer] of layers) {
      if (this.layers.get(name) === layer) continue;
      if (!this.layers.has(name) && layer === HIGH) continue; // as it comes anyway
      const [seat, feed] = name.split(" ");
      of.push([seat, feed, layer]);
    }
    this.layers = layers;
    if (!of.length) return;
    this.ask({ do: "layers", of }).catch(() => this.layers.clear());
  }

  private async count(way: Down): Promise<void> {
    const now = performance.now();
    const sums = new Map<string, Counted>();
    const total = { ...nothing(), at: now };
    (await way.pc.getStats()).forEach((row: Record<string, number & string & boolean>) => {
      if (row.type === "candidate-pair" && row.nominated) this.rtt = (row.currentRoundTripTime ?? 0) * 1000;
      if (row.type !== "inbound-rtp") return;
      const seat = way.mids.get(String(row.mid))?.[0];
      const sum = sums.get(seat ?? "") ?? nothing();
      for (const one of [sum, total]) {
        one.bytes += row.bytesReceived ?? 0;
        one.packets += row.packetsReceived ?? 0;
        one.lost += row.packetsLost ?? 0;
        one.frames += row.framesDecoded ?? 0;
        one.concealed += (row.concealedSamples ?? 0) - (row.silentConcealedSamples ?? 0);
        one.voiced += row.totalSamplesReceived ?? 0;
      }
      sums.set(seat ?? "", sum);
    });
    const rate = (sum: Counted, had: Counted): number => (had.at && sum.bytes >= had.bytes ? ((sum.bytes - had.bytes) * 8) / (now - had.at) : 0);
    for (const [seat, sum] of sums) {
      const had = this.seats.get(seat) ?? nothing();
      this.seats.set(seat, { ...sum, at: now, kbps: rate(sum, had), heard: sum.packets !== had.packets && sum.packets ? now : had.heard });
    }
    this.total = { ...total, kbps: rate(total, this.total) };
  }

  private contact(): void {
    for (const [seat, sum] of this.seats) {
      const on = sum.heard > 0 && performance.now() - sum.heard < SILENT;
      if (!seat || on === this.contacts.has(seat)) continue;
      if (on) this.contacts.add(seat);
      else this.contacts.delete(seat);
      this.on.contact(seat, on);
    }
  }

  /** The way up is one for all seats; what comes is counted for each. */
  async samples(): Promise<Sample[]> {
    let room = 0;
    let lost = 0;
    let rtt = this.rtt;
    let bytes = 0;
    if (this.up) {
      (await this.up.pc.getStats()).forEach((row: Record<string, number & string & boolean>) => {
        if (row.type === "candidate-pair" && row.nominated) {
          room = (row.availableOutgoingBitrate ?? 0) / 1000;
          rtt = (row.currentRoundTripTime ?? 0) * 1000 || rtt;
        } else if (row.type === "transport") bytes += row.bytesSent ?? 0;
        else if (row.type === "remote-inbound-rtp") lost = Math.max(lost, row.fractionLost ?? 0);
      });
    }
    const now = performance.now();
    if (now - this.sent.at > 200) {
      const kbps = this.sent.at && bytes >= this.sent.bytes ? ((bytes - this.sent.bytes) * 8) / (now - this.sent.at) : 0;
      this.sent = { at: now, bytes, kbps };
    }
    return [...this.seats]
      .filter(([seat]) => seat)
      .map(([seat, sum]) => ({
        seat, room, sent: this.sent.kbps, received: sum.kbps, rtt, lost, heard: sum.heard ? now - sum.heard : Infinity, age: 0,
        concealed: sum.concealed, voiced: sum.voiced, frames: sum.frames,
      }));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    window.clearInterval(this.timer);
    const shown = [...(this.down?.shown.values() ?? [])];
    this.reset();
    for (const { source } of shown) this.tell(source, null);
    for (const seat of this.contacts) this.on.contact(seat, false);
    this.ask({ do: "leave" }).catch(() => undefined);
  }
}
