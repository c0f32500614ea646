// <jl-waiting>: on the page that says there is no network: what still waits here, as far as that
// can be told without its key; and the real page as soon as the network is back.
import { define, icon, make } from "./page";
import { rows } from "./store";
import { words } from "./words";

class WaitingSends extends HTMLElement {
  connectedCallback(): void {
    window.addEventListener("online", () => location.reload());
    void rows()
      .then((kept) => {
        const queued = kept.filter((row) => row.queued).length;
        const said = [
          queued ? `${queued} ${words.waitingSealed}` : "",
          kept.length - queued ? `${kept.length - queued} ${words.draftsSealed}` : "",
        ];
        this.replaceChildren(icon("net"), make("div", "", said.filter(Boolean).join(" ")));
        this.hidden = !kept.length;
      })
      .catch(() => undefined);
  }
}

define("jl-waiting", WaitingSends);
