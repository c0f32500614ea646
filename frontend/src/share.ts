// <jl-copy for="id">: its button copies what stands there. <jl-print>: its button prints the page.
import { define, toast } from "./page";
import { words } from "./words";

class Copy extends HTMLElement {
  connectedCallback(): void {
    this.hidden = !navigator.clipboard;
    this.querySelector("button")?.addEventListener("click", () => void this.copy());
  }

  private async copy(): Promise<void> {
    const place = document.getElementById(this.getAttribute("for") ?? "");
    const text = place instanceof HTMLInputElement ? place.value : (place?.textContent ?? "");
    try {
      await navigator.clipboard.writeText(text);
      toast(words.copied);
    } catch {
      if (place instanceof HTMLInputElement) place.select(); // to be copied by hand
    }
  }
}

class Print extends HTMLElement {
  connectedCallback(): void {
    this.hidden = false;
    this.querySelector("button")?.addEventListener("click", () => window.print());
  }
}

define("jl-copy", Copy);
define("jl-print", Print);
