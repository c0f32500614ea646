// Browser to browser: one connection a seat, by the W3C's perfect negotiation. Nothing to install;
// good for an operating room and up to three others.
import { preferCodecs, type Heard, type MediaEngine, type Sample, type Shape } from "./engine";
import type { Feed, SeatInfo } from "./types";

const BEAT = 500;
const UNANSWERED = 4000;
const SILENT = 3000; // without any sign for so long there is no contact
const MIDDLING = 2500; // kbit/s of a full picture
const PATIENCE = 8000; // a fresh connection that does not open by then is given up

interface Description {
  g: number; // which of the connections between the two: a renewed one counts up
  d?: RTCSessionDescriptionInit;
  o?: number; // which offer this is, or answers
  c?: RTCIceCandidateInit | null;
  mids?: Record<string, string>; // transceiver → feed
}

class Connection {
  readonly pc: RTCPeerConnection;
  readonly fast: RTCDataChannel; // in order, complete
  readonly beats: RTCDataChannel; // whatever arrives
  readonly sending = new Map<string, RTCRtpTransceiver>(); // feed → its way
  private voice?: RTCRtpTransceiver;
  private making = false;
  private ignoring = false;
  private mids: Record<string, string> = {};
  private waiting: RTCIceCandidateInit[] = [];
  private tracks = new Map<string, MediaStreamTrack>(); // transceiver → track that came
  private saidAt = 0;
  start = 0; // kbit/s to begin with, where something is known of the link
  private asked = 0; // our offers, counted
  private answered = 0; // the last of theirs
  heard = 0; // when anything last came from there
  began = 0; // when it first carried
  private way = 0;
  private echoed = 0;

  constructor(readonly to: string, readonly generation: number, private polite: boolean, ice: RTCIceServer[], private peer: Peer) {
    this.pc = new RTCPeerConnection({ iceServers: ice, bundlePolicy: "max-bundle" });
    this.fast = this.pc.createDataChannel("fast", { negotiated: true, id: 0 });
    this.beats = this.pc.createDataChannel("beats", { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 });
    this.fast.onmessage = (event: MessageEvent<string>) => {
      this.heard = performance.now();
      peer.packet(this, JSON.parse(event.data));
    };
    this.beats.onmessage = (event: MessageEvent<string>) => this.beaten(JSON.parse(event.data) as { b?: number; e?: number });
    this.pc.onnegotiationneeded = () => void this.offer();
    this.pc.onicecandidate = (event) => this.send({ c: event.candidate?.toJSON() ?? null });
    this.pc.ontrack = (event) => this.track(event);
    this.pc.onconnectionstatechange = () => {
      if (this.pc.connectionState === "connected") {
        this.heard = performance.now();
        this.began ||= this.heard;
      }
      if (this.pc.connectionState === "failed") this.pc.restartIce();
      peer.changed(this);
    };
  }

  private send(said: Omit<Description, "g">): void {
    this.peer.mesh.on.signal(this.to, { g: this.generation, ...said });
  }

  private beaten(said: { b?: number; e?: number }): void {
    this.heard = performance.now();
    if (said.b !== undefined) this.tell({ e: said.b });
    if (said.e === undefined) return;
    this.echoed = performance.now();
    this.way = this.echoed - said.e;
  }

  /** There and back, ms. While no echo comes it grows: a link that jams is known before one arrives. */
  get rtt(): number {
    const silent = this.echoed ? performance.now() - this.echoed - BEAT : 0;
    return Math.max(this.way, silent > 2 * BEAT ? silent : 0);
  }

  private tell(beat: object): void {
    if (this.beats.readyState === "open") this.beats.send(JSON.stringify(beat));
  }

  beat(): void {
    this.tell({ b: performance.now() });
    // An offer that was lost on the way (a line that broke) would leave both waiting for ever.
    const waiting = this.pc.signalingState === "have-local-offer";
    if (waiting && performance.now() - this.saidAt > UNANSWERED) this.describe(this.asked);
  }

  /** Let the other one begin. */
  hello(): void {
    this.send({});
  }

  private async offer(): Promise<void> {
    // One of the two begins. When both do, Chromium takes one offer back and then never looks for
    // its own addresses (seen in 156): the two wait for ever.
    if (this.polite && !this.pc.remoteDescription) return;
    try {
      this.making = true;
      await this.pc.setLocalDescription();
      this.asked += 1;
      this.describe(this.asked);
    } catch (fault) {
      console.warn("offer", fault);
    } finally {
      this.making = false;
    }
  }

  private describe(o: number): void {
    this.saidAt = performance.now();
    const mids: Record<string, string> = {};
    for (const [feed, way] of this.sending) if (way.mid) mids[way.mid] = feed;
    if (this.pc.localDescription) this.send({ d: this.pc.localDescription.toJSON() as RTCSessionDescriptionInit, o, mids });
  }

  async take(said: Description): Promise<void> {
    if (said.mids) {
      this.mids = { ...this.mids, ...said.mids };
      this.name();
    }
    if (said.d) await this.described(said.d, said.o ?? 0);
    else if (said.c !== undefined) await this.candidate(said.c);
  }

  private async described(description: RTCSessionDescriptionInit, o: number): Promise<void> {
    if (description.type === "answer" && (o !== this.asked || this.pc.signalingState !== "have-local-offer")) return;
    if (description.type === "offer" && o <= this.answered) {
      // Our answer was lost, and they ask once more.
      if (o === this.answered && this.pc.signalingState === "stable" && this.pc.localDescription?.type === "answer") this.describe(o);
      return;
    }
    const collides = description.type === "offer" && (this.making || this.pc.signalingState !== "stable");
    this.ignoring = !this.polite && collides;
    if (this.ignoring) return;
    await this.pc.setRemoteDescription(begun(description, this.start));
    for (const candidate of this.waiting.splice(0)) await this.candidate(candidate);
    this.name();
    if (description.type !== "offer") return;
    this.answered = o;
    await this.pc.setLocalDescription();
    this.describe(o);
  }

  private async candidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    if (!candidate) return;
    if (!this.pc.remoteDescription) {
      this.waiting.push(candidate);
      return;
    }
    try {
      await this.pc.addIceCandidate(candidate);
    } catch (fault) {
      if (!this.ignoring) console.warn("candidate", fault);
    }
  }

  private track(event: RTCTrackEvent): void {
    const mid = event.transceiver.mid ?? "";
    if (event.track.kind === "audio") {
      this.peer.voice(this, new MediaStream([event.track]));
      return;
    }
    this.tracks.set(mid, event.track);
    this.name();
  }

  /** A track is shown once it is known which feed it is, and as long as its sender sends it. */
  private name(): void {
    for (const way of this.pc.getTransceivers()) {
      const mid = way.mid ?? "";
      const track = this.tracks.get(mid);
      const feed = this.mids[mid];
      if (!track || !feed) continue;
      const flows = way.currentDirection === null || way.currentDirection.includes("recv");
      this.peer.feed(this, feed, flows ? track : null);
      if (!flows) this.tracks.delete(mid);
    }
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
        if (way.sender.track !== feed.track) void way.sender.replaceTrack(feed.track); // a camera that came back
        continue;
      }
      const sharp = feed.source === "monitor" || feed.source === "screen";
      feed.track.contentHint = sharp ? "detail" : "motion";
      const made = this.pc.addTransceiver(feed.track, {
        direction: "sendonly",
        sendEncodings: [{ maxBitrate: MIDDLING * 1000, priority: "medium", networkPriority: "medium" }],
      });
      preferCodecs(made);
      void this.parameters(made, (p) => (p.degradationPreference = sharp ? "maintain-resolution" : "maintain-framerate"));
      this.sending.set(feed.id, made);
    }
  }

  speak(track: MediaStreamTrack | null): void {
    if (!this.voice) {
      if (!track) return;
      this.voice = this.pc.addTransceiver(track, {
        direction: "sendonly",
        sendEncodings: [{ maxBitrate: 32000, priority: "high", networkPriority: "high" }],
      });
      return;
    }
    void this.voice.sender.replaceTrack(track);
  }

  async shape(feed: string, shape: Shape): Promise<void> {
    const way = feed === "voice" ? this.voice : this.sending.get(feed);
    if (!way) return;
    if (way === this.voice) return this.parameters(way, (p) => p.encodings.forEach((encoding) => (encoding.active = shape.active)));
    // Switched off by its encoding alone, a sender goes on answering what the far side misses of the old
    // picture: on a 2G link half a megabit a second for ten seconds, and the voice drowns in it (measured).
    // So the picture is taken out of the description, and put in again.
    const direction = shape.active ? "sendonly" : "inactive";
    if (way.direction !== direction) way.direction = direction;
    await this.parameters(way, (p) => {
      for (const encoding of p.encodings) {
        encoding.active = shape.active;
        encoding.maxBitrate = Math.max(30, shape.kbps) * 1000;
        encoding.scaleResolutionDownBy = shape.scale;
      }
    });
  }

  private async parameters(way: RTCRtpTransceiver, change: (p: RTCRtpSendParameters & { degradationPreference?: string }) => void): Promise<void> {
    try {
      const parameters = way.sender.getParameters();
      change(parameters as RTCRtpSendParameters & { degradationPreference?: string });
      await way.sender.setParameters(parameters);
    } catch {
      return; // the connection is being made or has ended; the next look sets it again
    }
  }

  get alive(): boolean {
    return performance.now() - this.heard < SILENT && this.pc.connectionState === "connected";
  }

  close(): void {
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }
}

/** A browser begins at 300 kbit/s and gropes upwards for a quarter of a minute, unless it is told. */
function begun(description: RTCSessionDescriptionInit, kbps: number): RTCSessionDescriptionInit {
  if (!kbps || !description.sdp) return description;
  const sections = description.sdp.split(/(?=^m=)/m).map((section) =>
    section.startsWith("m=video") ? section.replace(/^(a=fmtp:\d+ (?!apt=)[^\r\n]*)/gm, `$1;x-google-start-bitrate=${Math.round(kbps)}`) : section,
  );
  return { type: description.type, sdp: sections.join("") };
}

/** All that there is between this page and one other: usually one connection, two while one is renewed. */
class Peer {
  current: Connection;
  private next?: Connection;
  private patience = 0;
  private was = false;
  private shown = new Map<string, MediaStreamTrack>();

  constructor(readonly seat: string, readonly mesh: Mesh) {
    this.current = this.make(1);
  }

  private make(generation: number): Connection {
    const made = new Connection(this.seat, generation, this.mesh.me > this.seat, this.mesh.ice, this);
    made.speak(this.mesh.track);
    made.publish(this.mesh.feeds);
    return made;
  }

  /** A new connection beside the old one; the old one ends when the new one carries. */
  renew(generation = this.current.generation + 1, kbps = 0): void {
    if (this.next && this.next.generation >= generation) return;
    this.next?.close();
    this.next = this.make(generation);
    this.next.start = kbps;
    this.next.hello();
    window.clearTimeout(this.patience);
    this.patience = window.setTimeout(() => {
      this.next?.close();
      this.next = undefined;
    }, PATIENCE);
  }

  async take(said: Description): Promise<void> {
    if (said.g > (this.next ?? this.current).generation) this.renew(said.g);
    const connection = [this.current, this.next].find((one) => one?.generation === said.g);
    await connection?.take(said);
  }

  changed(connection: Connection): void {
    if (connection === this.next && connection.pc.connectionState === "connected") {
      window.clearTimeout(this.patience);
      const old = this.current;
      this.current = connection;
      this.next = undefined;
      old.close();
      for (const [feed, track] of this.shown) this.mesh.on.feed(this.seat, feed, new MediaStream([track]));
      this.mesh.renewed(this.seat);
    }
    this.look();
  }

  feed(connection: Connection, feed: string, track: MediaStreamTrack | null): void {
    if (connection.generation < (this.next ?? this.current).generation && connection !== this.current) return;
    if (!track) {
      if (this.shown.delete(feed)) this.mesh.on.feed(this.seat, feed, null);
      return;
    }
    if (this.shown.get(feed) === track) return;
    this.shown.set(feed, track);
    if (connection === this.current) this.mesh.on.feed(this.seat, feed, new MediaStream([track]));
  }

  voice(_connection: Connection, stream: MediaStream): void {
    this.mesh.on.voice(this.seat, stream);
  }

  packet(_connection: Connection, data: unknown): void {
    this.mesh.on.packet(this.seat, data);
  }

  beat(): void {
    this.current.beat();
    this.look();
  }

  look(): void {
    const alive = this.current.alive;
    if (alive === this.was) return;
    this.was = alive;
    this.mesh.on.contact(this.seat, alive);
  }

  close(): void {
    window.clearTimeout(this.patience);
    this.current.close();
    this.next?.close();
    for (const feed of this.shown.keys()) this.mesh.on.feed(this.seat, feed, null);
    this.mesh.on.voice(this.seat, null);
    if (this.was) this.mesh.on.contact(this.seat, false);
  }
}

interface Counted {
  sent: number;
  received: number;
  at: number;
}

export class Mesh implements MediaEngine {
  feeds: Feed[] = [];
  track: MediaStreamTrack | null = null;
  private peers = new Map<string, Peer>();
  private line: Promise<void> = Promise.resolve();
  private counted = new Map<string, Counted>();
  private timer = window.setInterval(() => this.peers.forEach((peer) => peer.beat()), BEAT);

  constructor(readonly me: string, readonly ice: RTCIceServer[], readonly on: Heard, readonly renewed: (seat: string) => void = () => undefined) {}

  come(info: SeatInfo): void {
    if (info.seat !== this.me && !this.peers.has(info.seat)) this.peers.set(info.seat, new Peer(info.seat, this));
  }

  gone(seat: string): void {
    this.peers.get(seat)?.close();
    this.peers.delete(seat);
    this.counted.delete(seat);
  }

  take(from: string, data: unknown): void {
    const said = data as Description;
    if (typeof said?.g !== "number") return;
    this.line = this.line
      .then(async () => {
        const known = this.peers.get(from) ?? new Peer(from, this);
        this.peers.set(from, known);
        await known.take(said);
      })
      .catch((fault: unknown) => console.warn("signal", fault));
  }

  publish(feeds: Feed[]): void {
    this.feeds = feeds;
    this.peers.forEach((peer) => peer.current.publish(feeds));
  }

  speak(track: MediaStreamTrack | null): void {
    this.track = track;
    this.peers.forEach((peer) => peer.current.speak(track));
  }

  cast(data: unknown): boolean {
    const text = JSON.stringify(data);
    let all = true;
    for (const { current } of this.peers.values()) {
      if (current.fast.readyState === "open") current.fast.send(text);
      else all = false;
    }
    return all && this.peers.size > 0;
  }

  castTo(seat: string, data: unknown): boolean {
    const fast = this.peers.get(seat)?.current.fast;
    if (fast?.readyState !== "open") return false;
    fast.send(JSON.stringify(data));
    return true;
  }

  shape(seat: string, feed: string, shape: Shape): void {
    void this.peers.get(seat)?.current.shape(feed, shape);
  }

  renew(seat: string, kbps = 0): void {
    this.peers.get(seat)?.renew(undefined, kbps);
  }

  async samples(): Promise<Sample[]> {
    return Promise.all([...this.peers].map(([seat, peer]) => this.sample(seat, peer.current)));
  }

  private async sample(seat: string, connection: Connection): Promise<Sample> {
    const made: Sample = { seat, room: 0, sent: 0, received: 0, rtt: connection.rtt, lost: 0, heard: performance.now() - connection.heard, age: connection.began ? performance.now() - connection.began : 0, concealed: 0, voiced: 0, frames: 0 };
    const before = this.counted.get(seat);
    const now: Counted = { sent: 0, received: 0, at: performance.now() };
    (await connection.pc.getStats()).forEach((row: Record<string, number & string & boolean>) => {
      if (row.type === "candidate-pair" && row.nominated) {
        made.room = (row.availableOutgoingBitrate ?? 0) / 1000;
        if (!made.rtt) made.rtt = (row.currentRoundTripTime ?? 0) * 1000;
      } else if (row.type === "transport") {
        now.sent += row.bytesSent ?? 0;
        now.received += row.bytesReceived ?? 0;
      } else if (row.type === "remote-inbound-rtp") {
        const fresh = performance.timeOrigin + performance.now() - row.timestamp < 3500; // not of a picture that was taken out
        if (fresh) made.lost = Math.max(made.lost, row.fractionLost ?? 0);
      } else if (row.type === "inbound-rtp" && row.kind === "audio") {
        made.concealed += row.concealedSamples ?? 0;
        made.voiced += row.totalSamplesReceived ?? 0;
      } else if (row.type === "inbound-rtp" && row.kind === "video") {
        made.frames += row.framesDecoded ?? 0;
      }
    });
    if (before && now.at > before.at && now.sent >= before.sent) {
      made.sent = ((now.sent - before.sent) * 8) / (now.at - before.at);
      made.received = ((now.received - before.received) * 8) / (now.at - before.at);
    }
    this.counted.set(seat, now);
    return made;
  }

  close(): void {
    window.clearInterval(this.timer);
    this.peers.forEach((peer) => peer.close());
    this.peers.clear();
  }
}
