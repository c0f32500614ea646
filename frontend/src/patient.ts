// <jl-patient src="/cases/new/open-cases/" fields="mrn name">: while a new case is being typed,
// asks whether this patient already has an open one, and shows the server's answer before the form
// is filled twice. With method="post" nothing of a patient stands in an address.
import { define, writeHeaders, uuid } from "./page";

class Patient extends HTMLElement {
  private form: HTMLFormElement | null = null;
  private timer = 0;
  private asked = "";
  private abort?: AbortController;

  connectedCallback(): void {
    this.form = this.closest("form");
    this.setAttribute("aria-live", "polite");
    this.form?.addEventListener("input", this.typed);
    this.form?.addEventListener("change", this.typed);
  }

  disconnectedCallback(): void {
    this.form?.removeEventListener("input", this.typed);
    this.form?.removeEventListener("change", this.typed);
  }

  private query(): URLSearchParams {
    const names = (this.getAttribute("fields") ?? "").split(/[\s,]+/).filter(Boolean);
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(this.form ?? undefined)) {
      if (typeof value === "string" && value.trim() && names.includes(name)) query.set(name, value.trim());
    }
    return query;
  }

  private typed = (): void => {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), 500);
  };

  private async ask(): Promise<void> {
    const query = this.query();
    if (`${query}` === this.asked) return;
    this.asked = `${query}`;
    this.abort?.abort();
    if (!this.asked) return this.replaceChildren();
    this.abort = new AbortController();
    const post = this.getAttribute("method") === "post";
    const source = this.getAttribute("src") ?? "/cases/new/open-cases/";
    try {
      const answer = await fetch(post ? source : `${source}?${query}`, {
        method: post ? "POST" : "GET",
        headers: { "HX-Request": "true", ...(post ? writeHeaders(uuid()) : {}) },
        body: post ? query : undefined,
        signal: this.abort.signal,
      });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      this.replaceChildren(...page.body.childNodes);
    } catch {
      this.asked = ""; // no answer now: ask again at the next key
    }
  }
}

define("jl-patient", Patient);
