// <jl-dial data-until="ISO" data-total="20">: seconds until the page rolls on, as a ring of ticks.
import { everySecond, now } from "./now";
import { define, make } from "./page";
import { words } from "./words";

const SPACE = "http://www.w3.org/2000/svg";

class Dial extends HTMLElement {
  private stop?: () => void;
  private ticks: SVGLineElement[] = [];
  private number = make("b");
  private over = false;

  connectedCallback(): void {
    const total = Math.min(60, Math.max(5, Number(this.dataset.total) || 20));
    const svg = document.createElementNS(SPACE, "svg");
    svg.setAttribute("viewBox", "0 0 240 240");
    svg.setAttribute("aria-hidden", "true");
    this.ticks = Array.from({ length: total }, (_, index) => {
      const line = document.createElementNS(SPACE, "line");
      line.setAttribute("x1", "120");
      line.setAttribute("x2", "120");
      line.setAttribute("y1", "6");
      line.setAttribute("y2", index % 5 ? "14" : "20");
      line.setAttribute("transform", `rotate(${(index * 360) / total} 120 120)`);
      svg.append(line);
      return line;
    });
    const face = make("div", "num");
    face.append(this.number, make("span", "", this.dataset.caption ?? words.next));
    this.classList.add("dial");
    this.setAttribute("role", "timer");
    this.replaceChildren(svg, face);
    this.stop = everySecond(() => this.tick());
  }

  disconnectedCallback(): void {
    this.stop?.();
  }

  private tick(): void {
    const until = Date.parse(this.dataset.until ?? "");
    if (!Number.isFinite(until)) return;
    const left = Math.max(0, Math.ceil((until - now()) / 1000));
    this.number.textContent = String(left);
    this.setAttribute("aria-label", `${left} ${this.dataset.caption ?? words.next}`);
    // A ring that was given a second round has more seconds than ticks: then all are lit.
    this.ticks.forEach((line, index) => line.setAttribute("class", index < left ? "t" : "t0"));
    if (left === 0 && !this.over) {
      this.over = true;
      this.dispatchEvent(new CustomEvent("jl:over", { bubbles: true }));
    }
  }
}

define("jl-dial", Dial);
