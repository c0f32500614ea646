// <jl-playback data-src="…">: the runs of a room on one time line. Without script its parts are
// links to films. Time is the room's own: a gap is a gap, and says so.
import { Replay } from "./room/replay";
import type { LogLine } from "./room/types";

interface Run {
  key: string;
  file: string;
  begin: number;
  end: number;
}
interface Data {
  begin: number;
  end: number;
  feeds: { id: string; runs: Run[] }[];
  ink: LogLine[];
}

const JUMP = 10_000;
const STEP = 5_000;
const TICK = 100;

class Playback extends HTMLElement {
  private data?: Data;
  private video = this.querySelector("video") as HTMLVideoElement;
  private canvas = this.querySelector("canvas") as HTMLCanvasElement;
  private hole = this.querySelector(".hole") as HTMLElement;
  private reel = this.querySelector("[data-reel]") as HTMLElement;
  private replay?: Replay;
  private feed = 0;
  private run?: Run;
  private at = 0; // ms since 1970
  private playing = false;
  private last = 0;
  private timer = 0;

  connectedCallback(): void {
    void this.open();
  }

  disconnectedCallback(): void {
    window.clearInterval(this.timer);
  }

  private async open(): Promise<void> {
    const answer = await fetch(this.dataset.src ?? "", { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const data = (await answer.json()) as Data;
    if (!data.feeds?.length) return;
    this.data = data;
    this.at = data.begin;
    this.replay = new Replay(data.ink);
    for (const tools of this.querySelectorAll<HTMLElement>("[data-tools]")) tools.hidden = false;
    this.addEventListener("click", (event) => this.press(event));
    this.addEventListener("change", (event) => this.change(event));
    this.addEventListener("keydown", (event) => this.key(event));
    this.reel.addEventListener("pointerdown", (event) => this.point(event));
    this.video.addEventListener("ended", () => (this.run = undefined));
    this.timer = window.setInterval(() => this.tick(), TICK);
    const wanted = Date.parse(decodeURIComponent(location.hash.slice(1)));
    this.seek(Number.isNaN(wanted) ? data.feeds[0].runs[0].begin : wanted);
    this.dataset.ready = "";
  }

  // ── time ─────────────────────────────────────────────────────────────────

  /** To an instant, in the run that has it; where there is none, the screen says so. */
  seek(at: number): void {
    if (!this.data) return;
    this.at = Math.min(this.data.end, Math.max(this.data.begin, at));
    this.last = performance.now();
    const runs = this.data.feeds[this.feed].runs;
    const run = [...runs].reverse().find((one) => one.begin <= this.at && this.at < one.end);
    this.hole.hidden = run !== undefined;
    if (!run) {
      this.run = undefined;
      this.video.pause();
      this.video.style.visibility = "hidden";
    } else {
      const offset = (this.at - run.begin) / 1000;
      this.video.style.visibility = "";
      if (run !== this.run) {
        this.run = run;
        this.video.src = run.file;
        const speed = this.video.defaultPlaybackRate;
        this.video.addEventListener("loadedmetadata", () => {
          this.video.currentTime = Math.min(offset, Math.max(0, this.video.duration - 0.05));
          this.video.playbackRate = speed;
          if (this.playing) void this.video.play().catch(() => undefined);
        }, { once: true });
      } else {
        this.video.currentTime = offset;
        if (this.playing) void this.video.play().catch(() => undefined);
      }
    }
    this.show();
  }

  private tick(): void {
    const now = performance.now();
    const passed = (now - this.last) * this.video.defaultPlaybackRate;
    this.last = now;
    if (!this.data || !this.playing) return this.ink();
    if (this.run && !this.video.seeking && this.video.readyState > 1) {
      this.at = this.run.begin + this.video.currentTime * 1000;
      if (this.video.ended || this.at >= this.run.end - TICK) return this.seek(Math.max(this.at, this.run.end));
    } else if (!this.run) {
      const next = this.at + passed;
      const runs = this.data.feeds[this.feed].runs;
      if (next >= this.data.end) this.toggle(false);
      if (runs.some((run) => run.begin <= next && next < run.end)) return this.seek(next);
      this.at = Math.min(next, this.data.end);
    }
    this.show();
  }

  private toggle(on = !this.playing): void {
    this.playing = on;
    this.last = performance.now();
    if (on && this.data && this.at >= this.data.end - TICK) return this.seek(this.data.begin);
    if (on && !this.run) this.seek(this.at);
    else if (on) void this.video.play().catch(() => undefined);
    else this.video.pause();
    const words = this.querySelector<HTMLElement>('[data-act="play"] span');
    if (words) words.textContent = (on ? words.dataset.on : words.dataset.off) ?? "";
  }

  // ── what is shown ────────────────────────────────────────────────────────

  private show(): void {
    if (!this.data) return;
    const share = (this.at - this.data.begin) / Math.max(1, this.data.end - this.data.begin);
    const needle = this.querySelector<HTMLElement>("[data-needle]");
    const line = this.reel.querySelector("svg")?.getBoundingClientRect();
    const box = this.reel.getBoundingClientRect();
    if (needle && line) needle.style.left = `${line.left - box.left + share * line.width}px`;
    const text = this.clock(this.at);
    const time = this.querySelector("[data-time]");
    if (time && time.textContent !== text) {
      time.textContent = text;
      this.reel.setAttribute("aria-valuenow", String(Math.round(share * 1000)));
      this.reel.setAttribute("aria-valuetext", text);
    }
    this.ink();
  }

  /** In the zone in which the server wrote the page. */
  private clock(at: number): string {
    const zone = document.querySelector<HTMLElement>(".zone [aria-pressed=\"true\"] [data-zone]")?.dataset.zone ?? "Asia/Shanghai";
    return new Intl.DateTimeFormat("zh-CN", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(at);
  }

  private ink(): void {
    const feed = this.data?.feeds[this.feed];
    if (feed && this.run) this.replay?.paint(this.canvas, this.video, feed.id, this.at);
    else this.canvas.getContext("2d")?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  // ── hands ────────────────────────────────────────────────────────────────

  private press(event: Event): void {
    const button = (event.target as Element).closest<HTMLElement>("[data-act], [data-at], [data-feed]");
    if (!button) return;
    const { act, at, feed } = button.dataset;
    if (at) this.seek(Date.parse(at));
    else if (feed) this.choose(Number(feed));
    else if (act === "play") this.toggle();
    else if (act === "back") this.seek(this.at - JUMP);
    else if (act === "on") this.seek(this.at + JUMP);
    else if (act === "cut-begin" || act === "cut-end") this.cut(act === "cut-begin" ? "begin" : "end");
  }

  private choose(feed: number): void {
    this.feed = feed;
    this.run = undefined;
    for (const chip of this.querySelectorAll("[data-feed]")) chip.setAttribute("aria-pressed", String((chip as HTMLElement).dataset.feed === String(feed)));
    this.seek(this.at);
  }

  private change(event: Event): void {
    const field = event.target as HTMLSelectElement;
    if (field.dataset.act !== "speed") return;
    this.video.playbackRate = this.video.defaultPlaybackRate = Number(field.value);
  }

  /** Where the player stands, in seconds of the run that is shown. */
  private cut(which: "begin" | "end"): void {
    const form = this.querySelector<HTMLFormElement>("[data-cut]");
    if (!form || !this.run) return;
    (form.elements.namedItem("recording") as HTMLSelectElement).value = this.run.key;
    (form.elements.namedItem(which) as HTMLInputElement).value = ((this.at - this.run.begin) / 1000).toFixed(1);
  }

  private point(event: PointerEvent): void {
    const line = this.reel.querySelector("svg")?.getBoundingClientRect();
    if (!line || !this.data || (event.target as Element).closest("button")) return;
    const to = (x: number): void => this.seek(this.data!.begin + ((x - line.left) / line.width) * (this.data!.end - this.data!.begin));
    const move = (moved: PointerEvent): void => to(moved.clientX);
    this.reel.setPointerCapture(event.pointerId);
    this.reel.addEventListener("pointermove", move);
    this.reel.addEventListener("pointerup", () => this.reel.removeEventListener("pointermove", move), { once: true });
    to(event.clientX);
  }

  private key(event: KeyboardEvent): void {
    if ((event.target as Element).closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = (event.target as Element).closest("button, a") !== null;
    const moves: Record<string, () => void> = {
      ArrowLeft: () => this.seek(this.at - STEP),
      ArrowRight: () => this.seek(this.at + STEP),
      j: () => this.seek(this.at - JUMP),
      l: () => this.seek(this.at + JUMP),
      k: () => this.toggle(),
      ",": () => this.chapter(-1),
      ".": () => this.chapter(1),
      Home: () => this.seek(this.data?.begin ?? 0),
      End: () => this.seek(this.data?.end ?? 0),
    };
    if (!onButton) moves[" "] = () => this.toggle();
    const move = moves[event.key] ?? moves[event.key.toLowerCase()];
    if (!move) return;
    event.preventDefault();
    move();
  }

  private chapter(way: number): void {
    const times = [...this.querySelectorAll<HTMLElement>("[data-at]")].map((one) => Date.parse(one.dataset.at ?? ""));
    const next = way > 0 ? times.find((at) => at > this.at + 500) : times.reverse().find((at) => at < this.at - 1500);
    if (next !== undefined) this.seek(next);
  }
}

if (!customElements.get("jl-playback")) customElements.define("jl-playback", Playback);
