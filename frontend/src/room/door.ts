// Before one goes in: which camera, which microphone, does the loudspeaker speak, how is the link.
import { make } from "../page";
import { Feeds, type Trouble } from "./feeds";
import type { Source } from "./types";
import { say } from "./words";

export function sentence(what: Trouble, source: Source | "voice"): string {
  const name = source === "voice" ? say.microphone : source === "screen" ? say.screen : `${say.camera} (${say[source]})`;
  const said = { denied: say.denied, none: say.nodevice, busy: say.busy, insecure: say.insecure, unplugged: say.unplugged }[what];
  return what === "insecure" ? said : `${name} ${said}`;
}

export class Door {
  private stopped = false;
  private level?: () => number;
  private context?: AudioContext;
  private metered?: MediaStreamTrack;

  constructor(private root: HTMLElement, private feeds: Feeds) {}

  private find<E extends HTMLElement>(name: string): E | null {
    return this.root.querySelector<E>(`[data-door] [data-${name}]`);
  }

  async open(): Promise<void> {
    void this.measure();
    this.find("beep")?.addEventListener("click", () => this.beep());
    this.find<HTMLButtonElement>("echo")?.addEventListener("click", (event) => void this.echo(event.currentTarget as HTMLButtonElement));
    this.find<HTMLSelectElement>("camera")?.addEventListener("change", (event) => void this.feeds.show(this.source, (event.target as HTMLSelectElement).value));
    this.find<HTMLSelectElement>("source")?.addEventListener("change", () => void this.as());
    this.find<HTMLSelectElement>("microphone")?.addEventListener("change", (event) => void this.feeds.speak((event.target as HTMLSelectElement).value));
    for (const choice of this.root.querySelectorAll<HTMLInputElement>("[name=role]")) choice.addEventListener("change", () => this.role());
    if (this.watcher) return this.role();
    await this.feeds.speak();
    await this.feeds.show(this.source);
    this.tick();
  }

  get chosenRole(): string {
    return this.root.querySelector<HTMLInputElement>("[name=role]:checked")?.value ?? "";
  }

  private get watcher(): boolean {
    return this.chosenRole === "learner";
  }

  private get source(): Source {
    return (this.find<HTMLSelectElement>("source")?.value ?? "face") as Source;
  }

  private role(): void {
    const devices = this.find("devices");
    if (devices) devices.hidden = this.watcher;
    const source = this.find<HTMLSelectElement>("source");
    if (source && this.chosenRole === "operator" && source.value === "face") {
      source.value = "field";
      void this.as();
    }
    if (this.watcher) this.feeds.stop();
    else if (!this.feeds.places.length) void this.feeds.speak().then(() => this.feeds.show(this.source));
    this.show();
  }

  /** The same camera under another name. */
  private async as(): Promise<void> {
    const before = this.feeds.places[0];
    if (before) this.feeds.hide(before.id);
    await this.feeds.show(this.source, before?.device ?? "");
  }

  /** After any change of devices. */
  show(): void {
    const peek = this.find<HTMLVideoElement>("peek");
    const track = this.feeds.all[0]?.track;
    if (peek) peek.srcObject = track ? new MediaStream([track]) : null;
    const said = this.find("peek-said");
    if (said) said.textContent = track ? say.peek : say.nocamera;
    if (this.feeds.voice && this.metered !== this.feeds.voice) this.meter(this.feeds.voice);
    void this.list("videoinput", "camera", this.feeds.places[0]?.device);
    void this.list("audioinput", "microphone", this.feeds.voice?.getSettings().deviceId);
  }

  private async list(kind: MediaDeviceKind, name: string, chosen = ""): Promise<void> {
    const select = this.find<HTMLSelectElement>(name);
    if (!select) return;
    const found = await this.feeds.devices(kind);
    select.replaceChildren(
      ...found.map((device) => {
        const option = make("option", "", device.label || device.deviceId.slice(0, 6));
        option.value = device.deviceId;
        option.selected = device.deviceId === chosen;
        return option;
      }),
    );
    const field = select.closest<HTMLElement>(".field");
    if (field) field.hidden = !found.length;
  }

  private meter(track: MediaStreamTrack): void {
    this.metered = track;
    this.context ??= new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 512;
    this.context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const values = new Float32Array(analyser.fftSize);
    this.level = () => {
      analyser.getFloatTimeDomainData(values);
      return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    };
  }

  private tick(): void {
    if (this.stopped || !this.root.isConnected) return;
    const meter = this.find<HTMLMeterElement>("mic");
    if (meter && this.level) meter.value = Math.min(1, this.level() * 4);
    window.setTimeout(() => this.tick(), 100);
  }

  private beep(): void {
    this.context ??= new AudioContext();
    void this.context.resume();
    const [tone, volume] = [this.context.createOscillator(), this.context.createGain()];
    tone.frequency.value = 660;
    volume.gain.value = 0.25;
    tone.connect(volume).connect(this.context.destination);
    tone.start();
    tone.stop(this.context.currentTime + 0.6);
  }

  /** Three seconds of oneself: microphone, loudspeaker and what the room does with both. */
  private async echo(button: HTMLButtonElement): Promise<void> {
    if (!this.feeds.voice || typeof MediaRecorder === "undefined") return;
    button.disabled = true;
    const said = button.lastChild as ChildNode;
    const before = said.textContent;
    said.textContent = say.speakNow3;
    const media = new MediaRecorder(new MediaStream([this.feeds.voice]));
    const parts: Blob[] = [];
    media.ondataavailable = (event) => parts.push(event.data);
    const over = new Promise((done) => (media.onstop = done));
    media.start();
    window.setTimeout(() => media.stop(), 3000);
    await over;
    said.textContent = before;
    button.disabled = false;
    const heard = new Audio(URL.createObjectURL(new Blob(parts, { type: media.mimeType })));
    await heard.play().catch(() => undefined);
  }

  /** kbit/s of one file from the server, not from the cache; 0 when the browser does not tell. */
  private async rate(): Promise<number> {
    const sheet = document.querySelector<HTMLLinkElement>('link[rel="stylesheet"]')?.href;
    if (!sheet) return 0;
    await fetch(sheet, { cache: "no-store" }).then((answer) => answer.arrayBuffer()).catch(() => undefined);
    const entry = performance.getEntriesByName(sheet, "resource").pop() as PerformanceResourceTiming | undefined;
    const took = entry ? entry.responseEnd - entry.requestStart : 0;
    return entry && took > 0 ? (entry.encodedBodySize * 8) / took : 0;
  }

  /** Five questions to the server, and one file. It says nothing yet of the way between two rooms. */
  private async measure(): Promise<void> {
    const took: number[] = [];
    for (let n = 0; n < 5 && !this.stopped; n++) {
      const began = performance.now();
      try {
        await fetch("/healthz", { cache: "no-store" });
        took.push(performance.now() - began);
      } catch {
        took.push(5000);
      }
    }
    took.sort((a, b) => a - b);
    const middle = Math.round(took[2] ?? 0);
    const place = this.find("link");
    const kbps = Math.round(await this.rate());
    const grade = middle > 500 || (kbps > 0 && kbps < 250) ? say.weak : middle > 200 || (kbps > 0 && kbps < 1000) ? say.fair : say.good;
    const shown = kbps > 20000 ? "> 20000" : String(kbps);
    if (place) place.textContent = `${say.link} ${middle} ${say.ms}${kbps ? ` · ${shown} ${say.kbps}` : ""} · ${grade}`;
  }

  close(): void {
    this.stopped = true;
    void this.context?.close();
  }
}
