// <jl-clock data-until="ISO">: the remaining time of one clock, ticking from the server's time.
// <jl-countdown data-until="ISO">: the same, but it stops at nought.
// <jl-time data-zone="Asia/Shanghai">: the time of day.
// Nothing is said aloud while they tick; passing nought is said once, and `jl:limit` tells the
// page, which fetches the row again so that icon, word and colour change together.
import { everySecond, now } from "./now";
import { announce, define } from "./page";
import { durationNodes, words } from "./words";

class Ticking extends HTMLElement {
  private stop?: () => void;

  connectedCallback(): void {
    this.stop = everySecond(() => this.tick());
  }

  disconnectedCallback(): void {
    this.stop?.();
  }

  protected tick(): void {}
}

class Clock extends Ticking {
  protected floor = -Infinity;
  private shown?: number;

  protected override tick(): void {
    const until = Date.parse(this.dataset.until ?? "");
    if (!Number.isFinite(until)) return;
    const seconds = Math.max(this.floor, Math.floor((until - now()) / 1000));
    if (seconds === this.shown) return;
    if (this.shown !== undefined && this.shown > 0 && seconds <= 0) this.pass();
    this.shown = seconds;
    this.replaceChildren(...durationNodes(seconds));
  }

  private pass(): void {
    const name = this.closest(".clock, .case")?.querySelector(".what b, h3")?.textContent ?? "";
    if (this.floor < 0) announce(`${words.passed} ${name}`.trim());
    this.dispatchEvent(new CustomEvent("jl:limit", { bubbles: true }));
  }
}

class Countdown extends Clock {
  protected override floor = 0;
}

class Time extends Ticking {
  private format?: Intl.DateTimeFormat;

  protected override tick(): void {
    this.format ??= new Intl.DateTimeFormat("en-GB", {
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
      timeZone: this.dataset.zone,
    });
    const text = this.format.format(now());
    if (text !== this.textContent) this.textContent = text;
  }
}

define("jl-clock", Clock);
define("jl-countdown", Countdown);
define("jl-time", Time);
