// <jl-offline>: one line under the top bar when the page no longer hears the server.
import { define, icon, make, telephoneLink } from "./page";
import { words } from "./words";

class Offline extends HTMLElement {
  private lost = false;

  connectedCallback(): void {
    document.addEventListener("jl:net", this.heard);
    window.addEventListener("online", this.draw);
    window.addEventListener("offline", this.draw);
    this.draw();
  }

  disconnectedCallback(): void {
    document.removeEventListener("jl:net", this.heard);
    window.removeEventListener("online", this.draw);
    window.removeEventListener("offline", this.draw);
  }

  private heard = (event: Event): void => {
    this.lost = (event as CustomEvent<{ lost: boolean }>).detail.lost;
    this.draw();
  };

  private draw = (): void => {
    const off = !navigator.onLine;
    const kept = Number(document.body.dataset.kept);
    if (kept) {
      const beijing = { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" } as const;
      const at = new Date(kept).toLocaleString(document.documentElement.lang, beijing);
      this.hidden = false;
      return this.replaceChildren(icon("net"), make("span", "", `${words.offline} ${words.keptCopy} ${at} ${words.beijing}`));
    }
    this.hidden = !off && !this.lost;
    if (this.hidden) return this.replaceChildren();
    const more = make("span", "", words.lostMore);
    const telephone = this.dataset.telephone;
    if (telephone) more.append(" ", telephoneLink(telephone));
    this.replaceChildren(icon("net"), off ? words.offline : words.lost, more);
  };
}

define("jl-offline", Offline);
