// <jl-ring src="/rings/">, on every page: asks what rings for me, every five seconds and at every
// `jl:me`, and then makes itself heard: sound, vibration, the tab's title, a system notice, and a
// banner over everything with one large button. It tells the server once the sound really plays.
import { everySecond, adjust, now } from "./now";
import { define, icon, make, toast, uuid, writeHeaders } from "./page";
import { banner, notice, type Ring } from "./ringbar";
import { sounding, startRing, stopRing } from "./sound";
import { words } from "./words";

class Ringer extends HTMLElement {
  private rings: Ring[] = [];
  private seen = new Set<string>();
  private told = new Set<string>();
  private timer = 0;
  private plain = document.title;
  private stopTicking?: () => void;
  private bar?: HTMLElement;
  private seconds = make("span", "sec");

  connectedCallback(): void {
    document.body.addEventListener("jl:me", this.poll);
    document.addEventListener("visibilitychange", this.poll);
    void this.poll();
  }

  disconnectedCallback(): void {
    document.body.removeEventListener("jl:me", this.poll);
    document.removeEventListener("visibilitychange", this.poll);
    window.clearTimeout(this.timer);
    this.quiet();
  }

  private poll = async (): Promise<void> => {
    window.clearTimeout(this.timer);
    try {
      const sent = performance.now();
      const answer = await fetch(this.getAttribute("src") ?? "/rings/", {
        headers: { Accept: "application/json" },
        cache: "no-store",
      });
      if (answer.redirected || answer.status === 401 || answer.status === 403) this.signedOut();
      else if (answer.ok) {
        const news = (await answer.json()) as { rings: Ring[]; now: string };
        adjust(news.now, sent, performance.now());
        this.take(news.rings);
      }
      this.heard(answer.status < 500);
    } catch {
      this.heard(false); // the offline bar says so; what already rings goes on until its end
    }
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(this.poll, 5000);
  };

  private heard(detail: boolean): void {
    document.dispatchEvent(new CustomEvent("jl:poll", { detail }));
  }

  private take(rings: Ring[]): void {
    for (const note of rings) {
      if (note.kind !== "ring" && !this.seen.has(note.key)) toast(note.title, note.url, words.open, "info");
      this.seen.add(note.key);
    }
    const loud = rings.filter((ring) => ring.kind === "ring" && !this.ended(ring));
    for (const ring of loud) {
      if (!this.rings.some((old) => old.key === ring.key)) notice(ring);
    }
    this.rings = loud;
    if (loud.length) this.loud();
    else this.quiet();
  }

  private ended = (ring: Ring): boolean => !!ring.ends_at && Date.parse(ring.ends_at) <= now();

  private loud(): void {
    this.stopTicking ??= everySecond(() => this.tick());
    this.draw();
    void this.sound();
  }

  private async sound(): Promise<void> {
    const result = await startRing();
    this.bar?.querySelector(".mute")?.toggleAttribute("hidden", result !== "blocked");
    if (!this.rings.length) return stopRing(); // answered while the sound woke up
    if (result !== "sounds") return;
    for (const ring of this.rings) void this.tell(ring);
  }

  private async tell(ring: Ring): Promise<void> {
    if (this.told.has(ring.key)) return;
    this.told.add(ring.key);
    const headers = writeHeaders(uuid());
    try {
      const answer = await fetch(`/rings/${ring.key}/ringing/`, { method: "POST", headers });
      if (!answer.ok) this.told.delete(ring.key);
    } catch {
      this.told.delete(ring.key);
    }
  }

  private tick(): void {
    const left = this.rings.filter((ring) => !this.ended(ring));
    if (left.length !== this.rings.length) {
      this.rings = left;
      if (!left.length) return this.quiet();
      this.draw();
    }
    const ring = this.rings[0];
    if (!ring) return;
    const until = ring.ends_at ? Math.ceil((Date.parse(ring.ends_at) - now()) / 1000) : 0;
    this.seconds.replaceChildren(until ? String(until) : "", make("small", "", until ? words.seconds : ""));
    const blink = Math.floor(performance.now() / 1000) % 2;
    document.title = blink ? `(${this.rings.length}) ${words.call} ${ring.urgency}` : this.plain;
    if (!sounding()) void this.sound();
  }

  private draw(): void {
    const ring = this.rings[0];
    // The ring page is itself the banner: there only the sound is ours.
    if (!ring || location.pathname.startsWith("/rings/")) return;
    if (this.bar?.dataset.key === ring.key) return;
    this.bar?.remove();
    this.bar = banner(ring, this.seconds, () => void this.sound());
    document.body.append(this.bar);
  }

  private quiet(): void {
    stopRing();
    this.rings = [];
    this.stopTicking?.();
    this.stopTicking = undefined;
    this.bar?.remove();
    this.bar = undefined;
    document.title = this.plain;
  }

  private signedOut(): void {
    this.quiet();
    if (document.getElementById("jl-out")) return;
    const line = make("div", "netbar");
    line.id = "jl-out";
    line.setAttribute("role", "alert");
    const link = make("a", "", words.signIn);
    link.href = `/signin/?next=${encodeURIComponent(location.pathname)}`;
    line.append(icon("warn"), words.signedOut, link);
    document.querySelector("main")?.before(line);
  }
}

define("jl-ring", Ringer);
