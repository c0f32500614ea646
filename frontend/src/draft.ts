// A form with data-draft="name" loses nothing on a weak network: what is typed is kept on this
// device, sealed; sending repeats itself with the same key until the server has answered, also
// after a reload, and after thirty seconds the page says: ring instead.
import { newDraft, shelf } from "./drafts";
import { promise } from "./outbox";
import { csrf, icon, make, telephoneLink } from "./page";
import { alone, send, WAITS } from "./send";
import type { Draft } from "./shelf";
import { showPage } from "./swap";
import { words } from "./words";

const KEPT = /^(?:text|search|tel|email|url|number|date|time|datetime-local|radio|checkbox|textarea|select.*)$/;
const KEEPING = 400; // ms that a slow storage may take before a page goes out all the same
const live = new WeakSet<HTMLFormElement>();

class Keeper {
  private draft: Draft;
  private opened = performance.now();
  private line = make("output", "banner is-warn");
  private button: HTMLButtonElement | null;
  private saving = 0;
  private waiting = 0;
  private clock = 0;
  private attempts = 0;
  private secrets: [string, string][] = []; // passwords: sent once, never kept on the device
  private release?: () => void; // of the lock that says: this page is sending

  constructor(private form: HTMLFormElement) {
    this.draft = newDraft(form.dataset.draft ?? "form", form.action);
    this.button = form.querySelector("button.go, button[type=submit], button:not([type])");
    this.line.hidden = true;
    (form.querySelector(".sendbar") ?? this.button ?? form.lastElementChild)?.before(this.line);
    this.setKey();
    form.addEventListener("input", this.changed);
    form.addEventListener("submit", this.submit);
    window.addEventListener("online", this.again);
    document.addEventListener("visibilitychange", this.hidden);
    this.clock = window.setInterval(() => this.tick(), 1000);
    this.tick();
    void this.begin();
  }

  private async begin(): Promise<void> {
    const mine = await shelf;
    if (!mine) return this.say("info", words.notKept);
    const kept = await mine.read(this.draft.name);
    if (!kept || this.draft.queuedAt) return;
    this.draft = kept;
    this.setKey();
    // A page that came back with faults marked carries the newer text itself.
    const judged = this.form.querySelector('.err, [aria-invalid="true"]') !== null;
    if (kept.fields.length && !judged) this.restore();
    if (kept.queuedAt) this.dispatch();
  }

  private async keep(draft = this.draft): Promise<boolean> {
    return (await (await shelf)?.write(draft)) ?? false;
  }

  private async drop(): Promise<void> {
    await (await shelf)?.drop(this.draft.id);
  }

  private setKey(): void {
    const field = this.form.querySelector<HTMLInputElement>("input[name=_key]");
    if (field) field.value = this.draft.key;
  }

  private fields(button?: HTMLElement | null): [string, string][] {
    const data = new FormData(this.form, button);
    const hidden = [...this.form.querySelectorAll<HTMLInputElement>("input[type=password]")].map((f) => f.name);
    const pairs = [...data.entries()].filter(
      (pair): pair is [string, string] =>
        typeof pair[1] === "string" && pair[0] !== "_key" && pair[0] !== "csrfmiddlewaretoken",
    );
    this.secrets = pairs.filter(([name]) => hidden.includes(name));
    return pairs.filter(([name]) => !hidden.includes(name));
  }

  private restore(): void {
    const values = new Map<string, string[]>();
    for (const [name, value] of this.draft.fields) values.set(name, [...(values.get(name) ?? []), value]);
    for (const field of this.form.elements) {
      const input = field as HTMLInputElement;
      if (!input.name || !KEPT.test(input.type)) continue;
      const said = values.get(input.name);
      // What was typed while the shelf was being opened is newer.
      if (input.type === "radio" || input.type === "checkbox") input.checked = !!said?.includes(input.value);
      else if (said?.length && (input.value === input.defaultValue || input.tagName === "SELECT")) input.value = said.shift() ?? "";
    }
    if (this.draft.queuedAt) return;
    const undo = make("button", "linkb", words.discard);
    undo.type = "button";
    undo.addEventListener("click", () => {
      void this.drop();
      this.draft = newDraft(this.draft.name, this.form.action);
      this.form.reset();
      this.setKey();
      this.line.hidden = true;
    });
    const at = new Date(this.draft.at).toTimeString().slice(0, 5);
    this.say("info", `${words.restored}${at} `, undo);
  }

  private changed = (): void => {
    window.clearTimeout(this.saving);
    this.saving = window.setTimeout(this.save, 300);
  };

  private save = (): void => {
    window.clearTimeout(this.saving);
    this.saving = 0;
    if (this.draft.queuedAt) return; // under way: what was sent stays what was sent
    void this.keep(Object.assign(this.draft, { fields: this.fields(), at: Date.now() }));
  };

  /** The page may be thrown away now: do not wait for the typing to pause. */
  private hidden = (): void => {
    if (document.hidden && this.saving) this.save();
  };

  private submit = (event: SubmitEvent): void => {
    const data = new FormData(this.form);
    const files = [...data.values()].some((value) => value instanceof File && value.size > 0);
    if (files || event.defaultPrevented) return; // a file cannot be kept here: send it plainly
    event.preventDefault();
    if (this.draft.queuedAt) return this.again();
    window.clearTimeout(this.saving);
    this.saving = 0;
    const button = event.submitter;
    const action = button?.getAttribute("formaction") ?? this.form.action;
    const fields = this.fields(button);
    Object.assign(this.draft, { fields, action, at: Date.now(), queuedAt: Date.now() });
    this.attempts = 0;
    // A signature is not sent on later by itself: after a reload the password is asked for again.
    const signed = this.secrets.length > 0;
    const kept = this.keep(signed ? { ...this.draft, queuedAt: undefined } : this.draft);
    // Kept first: whoever closes the page the moment it says "sending" loses nothing.
    void Promise.race([kept, new Promise((done) => setTimeout(done, KEEPING))]).then(async () => {
      this.dispatch();
      if ((await kept) && !signed) void promise();
    });
  };

  /** Send it from here; as long as this page is open, nobody else does. */
  private dispatch(): void {
    void this.push();
    void alone(this.draft, () => new Promise((done) => (this.release = done)));
  }

  private again = (): void => {
    if (!this.draft.queuedAt || !this.waiting) return;
    void this.push();
  };

  private async push(): Promise<void> {
    window.clearTimeout(this.waiting);
    this.waiting = 0;
    this.form.setAttribute("aria-busy", "true");
    this.attempts += 1;
    if (this.attempts > 1) this.status();
    const outcome = await send({ ...this.draft, fields: [...this.draft.fields, ...this.secrets] }, csrf());
    if (outcome.kind === "later") {
      const wait = WAITS[Math.min(this.attempts, WAITS.length) - 1];
      this.waiting = window.setTimeout(() => void this.push(), wait);
      return this.status();
    }
    this.form.removeAttribute("aria-busy");
    if (outcome.kind === "done") {
      await this.drop();
      this.release?.();
      return location.assign(outcome.url);
    }
    // Answered: the next sending is a new one, with a key of its own.
    const { id, name, action, fields } = this.draft;
    this.draft = { ...newDraft(name, action), id, fields };
    await this.keep();
    this.release?.();
    if (outcome.kind === "expired") return this.say("warn", words.expired);
    this.stop();
    showPage(outcome.html);
  }

  private status(): void {
    const since = Date.now() - (this.draft.queuedAt ?? Date.now());
    if (since < 30000) return this.say("net", this.attempts > 1 ? `${words.weak} ${words.unsent}` : words.sending);
    const telephone = this.form.dataset.telephone;
    if (telephone) this.say("phone", words.ring, telephoneLink(telephone));
    else this.say("phone", words.ringPlain);
  }

  private say(name: string, text: string, extra?: Node): void {
    const box = make("div", "", `${text} `);
    if (extra) box.append(extra);
    this.line.replaceChildren(icon(name), box);
    this.line.hidden = false;
  }

  private tick(): void {
    if (!this.form.isConnected) return this.stop();
    const used = this.form.querySelector("jl-used");
    const seconds = Math.floor((performance.now() - this.opened) / 1000);
    if (used) used.textContent = `${words.used} ${seconds} ${words.seconds}`;
    if (this.draft.queuedAt && this.waiting) this.status();
  }

  private stop(): void {
    window.clearInterval(this.clock);
    window.clearTimeout(this.waiting);
    window.removeEventListener("online", this.again);
    document.removeEventListener("visibilitychange", this.hidden);
    this.release?.();
  }
}

export function keepForms(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-draft]")) {
    if (live.has(form)) continue;
    live.add(form);
    new Keeper(form);
  }
}
