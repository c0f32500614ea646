// How pictures and voices travel. One room uses one engine; the rest of the page does not know which.
import type { Step } from "./ladder";
import type { Feed, SeatInfo } from "./types";

/** How one feed is sent: not at all, or with so many kbit/s at 1/scale of its size. */
export interface Shape {
  active: boolean;
  kbps: number;
  scale: number;
}

/** What the link to one seat was like in the last second. Rates in kbit/s, times in ms. */
export interface Sample {
  seat: string;
  room: number; // the sender's estimate of what fits, 0 when there is none
  sent: number;
  received: number;
  rtt: number; // 0 when unknown
  lost: number; // share of what we sent that did not arrive, 0 to 1
  heard: number; // ms since anything came from there
  age: number; // ms that this connection has carried, 0: it does not
  concealed: number; // samples of voice that had to be invented, since the beginning
  voiced: number; // samples of voice that were played, since the beginning
  frames: number; // decoded since the beginning
}

export interface Heard {
  /** A picture of somebody else begins (a stream) or ends (null). */
  feed(seat: string, feed: string, stream: MediaStream | null): void;
  /** A voice begins or ends. */
  voice(seat: string, stream: MediaStream | null): void;
  /** A message on the fast way: strokes that are being drawn, pointers, stills. */
  packet(seat: string, data: unknown): void;
  /** Media or data flows from there, or has ceased to. */
  contact(seat: string, on: boolean): void;
  /** To one seat by way of the server: descriptions and candidates. */
  signal(to: string, data: unknown): void;
  /** A request to the media server by way of ours; only an SFU asks. */
  ask(body: unknown): Promise<unknown>;
}

export interface MediaEngine {
  /** All pictures that this page sends from now on; what is not among them ends. */
  publish(feeds: Feed[]): void;
  speak(track: MediaStreamTrack | null): void;
  /** Somebody is here, or is here again. */
  come(seat: SeatInfo): void;
  gone(seat: string): void;
  /** What another page signalled. */
  take(from: string, data: unknown): void;
  /** To everybody on the fast way; the seats that it cannot reach get it from the server. */
  cast(data: unknown): boolean;
  /** To one seat on the fast way; false when there is none to it. */
  castTo(seat: string, data: unknown): boolean;
  /** How a feed, or "voice", is sent to one seat; an SFU does it for the viewer, by layers. */
  shape(seat: string, feed: string, shape: Shape): void;
  /** How high a picture is shown here, in real pixels: a media server sends no more than that. */
  size?(seat: string, feed: string, height: number): void;
  /** How far all sending has given way, where the engine decides that itself. */
  step?(): Step;
  samples(): Promise<Sample[]>;
  /** A fresh connection: a browser finds back to a full picture sooner than by growing. */
  renew(seat: string, kbps?: number): void;
  close(): void;
}

/** H264 first: half the work of VP8 for the same picture (measured, live.md). */
export function preferCodecs(transceiver: RTCRtpTransceiver): void {
  const able = RTCRtpSender.getCapabilities?.("video")?.codecs ?? [];
  const rank = (codec: { mimeType: string }): number => {
    const name = codec.mimeType.toLowerCase();
    return name === "video/h264" ? 0 : name === "video/vp8" ? 1 : 2;
  };
  const sorted = [...able].sort((a, b) => rank(a) - rank(b));
  if (sorted.length) transceiver.setCodecPreferences?.(sorted);
}
