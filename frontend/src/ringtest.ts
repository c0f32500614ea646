// <jl-ring-test>: lets an expert hear the ring before it matters, and says honestly what works.
import { define, icon, make } from "./page";
import { startRing, stopRing } from "./sound";
import { words } from "./words";

const REMEMBERED = "jl.sound";

class RingTest extends HTMLElement {
  private button = make("button", "btn slim");
  private line = make("span", "meta");

  connectedCallback(): void {
    this.button.type = "button";
    this.line.setAttribute("role", "status");
    this.button.addEventListener("click", () => void this.test());
    const row = make("div", "btns");
    row.append(this.button, this.line);
    this.replaceChildren(row);
    const tested = localStorage.getItem(REMEMBERED) === "1";
    this.say(tested ? words.soundTested : words.soundUntried, tested ? "met" : "warn");
    this.label(tested);
  }

  private label(tested: boolean): void {
    this.button.replaceChildren(icon("ring"), tested ? words.soundAgain : words.soundOn);
  }

  private say(text: string, name: string): void {
    this.line.replaceChildren(icon(name), ` ${text}`);
  }

  private async test(): Promise<void> {
    const heard = (await startRing()) === "sounds";
    this.say(heard ? words.soundHeard : words.soundBlocked, heard ? "ring" : "warn");
    localStorage.setItem(REMEMBERED, heard ? "1" : "0");
    const allowed = await this.notices();
    window.setTimeout(() => {
      stopRing();
      if (!heard) return;
      this.say(allowed ? words.soundTested : `${words.soundTested} ${words.noticeDenied}`, "met");
      this.label(true);
    }, 3000);
  }

  private async notices(): Promise<boolean> {
    if (!("Notification" in window)) return false;
    if (Notification.permission !== "default") return Notification.permission === "granted";
    try {
      return (await Notification.requestPermission()) === "granted";
    } catch {
      return false;
    }
  }
}

define("jl-ring-test", RingTest);
