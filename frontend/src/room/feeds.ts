// The pictures and the voice of this page: up to four sources, each of a camera, a capture card or a
// screen. What is unplugged is missed aloud and taken again when it comes back.
import { uuid } from "../page";
import type { Feed, Source } from "./types";

export const MOST = 4;
export type Trouble = "denied" | "none" | "busy" | "insecure" | "unplugged";

interface Held extends Feed {
  device: string; // its id; "" for a screen
  label: string;
  lost: boolean;
}

export function troubleOf(fault: unknown): Trouble {
  const name = (fault as Error | undefined)?.name ?? "";
  if (!window.isSecureContext || !navigator.mediaDevices) return "insecure";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "none";
}

const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
// A face is looked at for its face: a third of the picture is enough and leaves room for the field.
const SMALL = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15, max: 30 } };

export class Feeds {
  private held: Held[] = [];
  voice: MediaStreamTrack | null = null;
  private microphone = "";
  muted = false;

  constructor(private changed: () => void, private trouble: (what: Trouble, source: Source | "voice") => void) {
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.again());
  }

  get all(): Feed[] {
    return this.held.filter((feed) => !feed.lost);
  }

  /** Also what is unplugged: its place is kept. */
  get places(): { id: string; source: Source; label: string; lost: boolean; device: string }[] {
    return this.held;
  }

  async devices(kind: MediaDeviceKind): Promise<MediaDeviceInfo[]> {
    const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return found.filter((device) => device.kind === kind && device.deviceId);
  }

  /** A source with a device; another device for a source that is there takes its place under the same id. */
  async show(source: Source, device = ""): Promise<void> {
    try {
      const track = source === "screen" ? await this.screen() : await this.camera(source, device);
      const known = this.held.find((feed) => feed.source === source);
      known?.track.stop();
      const held: Held = { id: known?.id ?? uuid(), source, track, device: track.getSettings().deviceId ?? device, label: track.label, lost: false };
      this.held = known ? this.held.map((feed) => (feed === known ? held : feed)) : [...this.held, held].slice(0, MOST);
      track.addEventListener("ended", () => this.ended(held));
      this.changed();
    } catch (fault) {
      this.trouble(troubleOf(fault), source);
    }
  }

  private async camera(source: Source, device: string): Promise<MediaStreamTrack> {
    const wanted = source === "face" ? SMALL : VIDEO;
    const which = device ? { deviceId: { exact: device } } : {};
    const stream = await navigator.mediaDevices.getUserMedia({ video: { ...wanted, ...which } });
    return stream.getVideoTracks()[0];
  }

  private async screen(): Promise<MediaStreamTrack> {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
    return stream.getVideoTracks()[0];
  }

  private ended(feed: Held): void {
    if (!this.held.includes(feed)) return;
    if (feed.source === "screen") return this.hide(feed.id); // the person ended it
    feed.lost = true;
    this.trouble("unplugged", feed.source);
    this.changed();
    void this.again();
  }

  /** A device came or went: what is missing is looked for. */
  private async again(): Promise<void> {
    const cameras = await this.devices("videoinput");
    for (const feed of this.held.filter((one) => one.lost)) {
      const same = cameras.find((one) => one.deviceId === feed.device) ?? cameras.find((one) => one.label === feed.label);
      if (same) await this.show(feed.source, same.deviceId);
    }
    if (this.voice?.readyState === "ended") await this.speak(this.microphone);
    this.changed();
  }

  hide(id: string): void {
    this.held.find((feed) => feed.id === id)?.track.stop();
    this.held = this.held.filter((feed) => feed.id !== id);
    this.changed();
  }

  async speak(device = ""): Promise<void> {
    try {
      const which = device ? { deviceId: { exact: device } } : {};
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...which },
      });
      this.voice?.stop();
      this.voice = stream.getAudioTracks()[0];
      this.voice.enabled = !this.muted;
      this.microphone = device;
      this.voice.addEventListener("ended", () => this.trouble("unplugged", "voice"));
    } catch (fault) {
      this.trouble(troubleOf(fault), "voice");
    }
    this.changed();
  }

  mute(muted: boolean): void {
    this.muted = muted;
    if (this.voice) this.voice.enabled = !muted;
    this.changed();
  }

  stop(): void {
    this.held.forEach((feed) => feed.track.stop());
    this.voice?.stop();
    this.held = [];
    this.voice = null;
  }
}
