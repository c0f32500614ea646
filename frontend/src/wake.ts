// <jl-wake>: keeps the screen on where a ring is expected, and says when it cannot.
import { define, icon } from "./page";
import { words } from "./words";

class Wake extends HTMLElement {
  private lock?: WakeLockSentinel;

  connectedCallback(): void {
    this.classList.add("meta");
    if (!("wakeLock" in navigator)) return this.say(words.awakeNever, "warn");
    document.addEventListener("visibilitychange", this.take);
    document.addEventListener("pointerdown", this.take);
    this.take();
  }

  disconnectedCallback(): void {
    document.removeEventListener("visibilitychange", this.take);
    document.removeEventListener("pointerdown", this.take);
    void this.lock?.release();
  }

  private take = async (): Promise<void> => {
    if (document.hidden || (this.lock && !this.lock.released)) return;
    try {
      this.lock = await navigator.wakeLock.request("screen");
      this.say(words.awake, "ok");
    } catch {
      this.say(words.awakeNot, "warn");
    }
  };

  private say(text: string, name: string): void {
    if (this.textContent?.trim() === text) return;
    this.replaceChildren(icon(name), ` ${text}`);
  }
}

define("jl-wake", Wake);
