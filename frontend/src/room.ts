// <jl-room>: the door of a room, and the room itself. This file joins the parts to the page.
import { announce, define, icon, make, toast } from "./page";
import { Pieces } from "./pieces";
import { Door, sentence } from "./room/door";
import { grade } from "./room/delay";
import { Feeds } from "./room/feeds";
import type { Tool } from "./room/ink";
import { Turned, admitted } from "./room/line";
import { Session, type Picture } from "./room/session";
import { Stage } from "./room/stage";
import type { LogLine, Source } from "./room/types";
import { hm, say } from "./room/words";

const SHAPES = new Set(["pen", "arrow", "circle"]);
const QUIET = 0.012; // loudness below which nobody speaks

class Room extends HTMLElement {
  private feeds!: Feeds;
  private door?: Door;
  private session?: Session;
  private stage?: Stage;
  private keeping = new Set<string>();
  private hand = false;
  private timer = 0;

  connectedCallback(): void {
    this.feeds = new Feeds(() => this.devices(), (what, source) => this.trouble(sentence(what, source)));
    this.door = new Door(this, this.feeds);
    void this.door.open();
    this.find<HTMLFormElement>("join")?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.join(event.target as HTMLFormElement);
    });
    window.addEventListener("pagehide", () => this.session?.stop());
  }

  private find<E extends HTMLElement>(name: string, inside: ParentNode = this): E | null {
    return inside.querySelector<E>(`[data-${name}]`);
  }

  private trouble(text: string): void {
    const door = this.find("trouble");
    const said = this.find("trouble-said");
    if (this.session || !door || !said) {
      toast(text, "", "", "warn");
      return;
    }
    said.textContent = text;
    door.hidden = false;
  }

  private words(what: string, about: string): string {
    const said: Record<string, string> = {
      refused: say.refused + about, unsaved: say.unsaved + about, unrecorded: say.unrecorded,
      "disk-server": say.diskServer, "disk-browser": say.diskBrowser, "disk-none": say.diskNone,
    };
    return said[what] ?? say.sound;
  }

  private devices(): void {
    if (this.session) {
      this.session.publish();
      this.places();
    } else this.door?.show();
  }

  // ── going in ─────────────────────────────────────────────────────────────

  private async join(form: HTMLFormElement): Promise<void> {
    const button = form.querySelector<HTMLButtonElement>("button.go");
    if (button) button.disabled = true;
    try {
      const held = `jl-seat:${this.dataset.seats ?? ""}`; // a page that is loaded anew gives its old seat back
      const before = sessionStorage.getItem(held);
      const pass = await admitted(this.dataset.seats ?? "", { role: this.door?.chosenRole ?? "", ...(before ? { before } : {}) });
      sessionStorage.setItem(held, pass.seat);
      this.enter(pass);
    } catch (fault) {
      this.trouble(fault instanceof Turned && fault.message ? fault.message : say.weak);
      if (button) button.disabled = false;
    }
  }

  private enter(pass: { seat: string; ticket: string; line: string }): void {
    const watcher = this.door?.chosenRole === "learner";
    this.door?.close();
    this.session = new Session(pass, this.feeds, {
      changed: () => this.stage?.show(),
      trouble: (what, about) => this.trouble(this.words(what, about)),
      out: (why) => this.out(why),
      said: (line) => this.said(line),
      still: (feed, url, at) => this.stage?.paste(feed, url, at),
      pointer: (seat, feed, x, y) => this.stage?.point(seat, feed, x, y),
    });
    this.session.linkUrl = this.dataset.report ?? "";
    const [doorway, room] = [this.find("door"), this.find("room")];
    if (doorway) doorway.hidden = true;
    if (room) room.hidden = false;
    this.stage = new Stage(this.find("stage") as HTMLElement, this.session, !watcher);
    (window as unknown as { jlRoom?: Session }).jlRoom = this.session; // for whoever looks under the bonnet
    this.listen(watcher);
    this.session.start();
    this.timer = window.setInterval(() => this.look(), 250);
    window.scrollTo(0, 0);
  }

  private listen(watcher: boolean): void {
    this.addEventListener("pointerdown", () => this.session?.unmuteAll(), { passive: true });
    for (const button of this.querySelectorAll<HTMLButtonElement>("[data-tool]")) {
      const tool = button.dataset.tool ?? "";
      if (watcher && tool !== "mute") button.hidden = true;
      button.addEventListener("click", () => this.use(tool));
    }
    if (watcher) this.asHand();
    this.press("pen");
    for (const leave of this.querySelectorAll<HTMLElement>("[data-leave]")) leave.addEventListener("click", (event) => this.leave(event));
    for (const open of this.querySelectorAll<HTMLElement>("[data-open]")) {
      open.addEventListener("click", () => {
        this.querySelector<HTMLDialogElement>(`[data-dialog="${open.dataset.open}"]`)?.showModal();
        if (open.dataset.open === "sources") this.places();
      });
    }
    this.find<HTMLFormElement>("write")?.addEventListener("submit", (event) => this.write(event));
    this.find<HTMLFormElement>("add")?.addEventListener("submit", (event) => this.add(event));
    this.find("screen")?.addEventListener("click", () => void this.feeds.show("screen"));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  /** A learner's microphone button puts the hand up instead. */
  private asHand(): void {
    const button = this.querySelector<HTMLButtonElement>('[data-tool="mute"]');
    if (!button) return;
    button.dataset.tool = "hand";
    button.replaceChildren(icon("hand"), make("span", "", say.handUp));
    button.addEventListener("click", () => {
      this.hand = !this.hand;
      this.session?.write("hand", "", { up: this.hand });
      button.setAttribute("aria-pressed", String(this.hand));
      button.replaceChildren(icon("hand"), make("span", "", this.hand ? say.handDown : say.handUp));
    });
  }

  /** The host let this page speak, or took the word back: a microphone button comes and goes. */
  private asked(): void {
    const { session } = this;
    if (!session?.welcome || this.door?.chosenRole !== "learner") return;
    const may = session.welcome.role === "asking";
    let button = this.querySelector<HTMLButtonElement>('[data-tool="voice"]');
    if (may && !button) {
      button = make("button", "tool");
      button.type = "button";
      button.dataset.tool = "voice";
      button.append(icon("mic"), make("span", "", say.speakNow));
      button.addEventListener("click", () => void this.feeds.speak());
      this.querySelector(".tools")?.append(button);
      toast(say.mayAsk, "", "", "mic");
    } else if (!may && button) {
      button.remove();
      this.feeds.stop();
      session.publish();
    }
    button?.setAttribute("aria-pressed", String(!!this.feeds.voice));
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (target.closest("input, textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
    const tools: Record<string, string> = { p: "pen", a: "arrow", c: "circle", o: "point", z: "undo", x: "clear", f: "freeze", k: "keep", m: "mute" };
    const button = this.querySelector<HTMLButtonElement>(`[data-tool="${tools[event.key.toLowerCase()] ?? "-"}"]`);
    if (!button || button.hidden) return;
    button.click();
    event.preventDefault();
  }

  // ── tools ────────────────────────────────────────────────────────────────

  private press(tool: string): void {
    if (!this.stage) return;
    this.stage.tool = this.stage.tool === tool && tool !== "pen" ? "pen" : (tool as Tool | "point");
    for (const button of this.querySelectorAll<HTMLButtonElement>("[data-tool]")) {
      const name = button.dataset.tool ?? "";
      if (SHAPES.has(name) || name === "point") button.setAttribute("aria-pressed", String(name === this.stage.tool));
    }
  }

  private use(tool: string): void {
    const { stage, session } = this;
    const picture = stage?.picture;
    if (!stage || !session || tool === "hand") return;
    if (SHAPES.has(tool) || tool === "point") return this.press(tool);
    if (tool === "mute") {
      this.feeds.mute(!this.feeds.muted);
      return;
    }
    if (!picture) {
      toast(say.noone, "", "", "info");
      return;
    }
    if (tool === "undo") session.undo(picture.feed, stage.frame);
    if (tool === "clear") session.write("clear", picture.feed, { frame: stage.frame });
    if (tool === "freeze") this.freeze(picture);
    if (tool === "keep") void this.keep(stage.frame);
  }

  private freeze(picture: Picture): void {
    if (this.stage?.frame) this.session?.write("live", picture.feed, { frame: this.stage.frame });
    else if (this.stage?.source.videoWidth) void this.session?.freeze(picture.feed, this.stage.source);
    else toast(say.noone, "", "", "info");
  }

  /** The frozen picture with its ink becomes a document of the case. */
  private async keep(frame: string): Promise<void> {
    if (!frame) {
      toast(say.freezeFirst, "", "", "info");
      return;
    }
    if (this.keeping.has(frame) || !this.session) return;
    this.keeping.add(frame);
    const held = this.session.ink.frames().find((one) => one.id === frame);
    const picture = await this.stage?.composed(frame);
    if (!picture || !held) return void this.keeping.delete(frame);
    toast(say.keeping, "", "", "up");
    const name = `${say[this.session.pictures.get(`${held.seat}/${held.feed}`)?.source ?? "field"]} ${hm(held.at)}`;
    const arrival = await new Pieces(this.dataset.uploads ?? "", picture, { name: `${name}.jpg`, title: name }, { sent: () => undefined, broken: () => undefined }).send();
    this.keeping.delete(frame);
    if (arrival.kind !== "done") {
      toast(arrival.kind === "refused" ? arrival.sentence : say.unkept, "", "", "warn");
      return;
    }
    this.session.write("kept", held.feed, { frame, document: arrival.document });
    toast(say.kept);
  }

  private write(event: Event): void {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).elements.namedItem("text") as HTMLInputElement;
    if (field.value.trim()) this.session?.write("text", "", { text: field.value.trim() });
    field.value = "";
  }

  private add(event: Event): void {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    void this.feeds.show(this.find<HTMLSelectElement>("source", form)?.value as Source, this.find<HTMLSelectElement>("camera", form)?.value ?? "");
  }

  /** What this device shows, and what else it could. */
  private places(): void {
    const list = this.find("places");
    const select = this.querySelector<HTMLSelectElement>('[data-dialog="sources"] [data-camera]');
    if (!list || !select) return;
    const rows = this.feeds.places.map((place) => {
      const row = make("li");
      const text = make("span", "", say[place.source]);
      text.append(make("span", "meta", ` ${place.label}${place.lost ? ` · ${say.unplugged}` : ""}`));
      const stop = make("button", "btn slim", say.hide);
      stop.type = "button";
      stop.addEventListener("click", () => this.feeds.hide(place.id));
      row.append(text, stop);
      return row;
    });
    list.replaceChildren(...(rows.length ? rows : [make("li", "meta", say.nothing)]));
    void this.feeds.devices("videoinput").then((found) => {
      const used = new Set(this.feeds.places.map((place) => place.device));
      select.replaceChildren(
        ...found.map((device) => {
          const option = make("option", "", device.label || device.deviceId.slice(0, 6));
          option.value = device.deviceId;
          option.selected = !used.has(device.deviceId);
          return option;
        }),
      );
    });
  }

  // ── what is shown ────────────────────────────────────────────────────────

  private said(line: LogLine): void {
    const caught = this.session && this.session.line.now() - line.at > 15000;
    if (line.kind === "freeze" && !caught) this.stage?.follow(line.feed);
    if (line.kind === "text" || line.kind === "hand" || line.kind === "step") this.talk(line, !caught);
  }

  private talk(line: LogLine, aloud: boolean): void {
    const name = this.session?.nameOf(line.seat) ?? "";
    const step = line.d.step as keyof typeof say;
    const text = line.kind === "text" ? String(line.d.text) : line.kind === "hand" ? (line.d.up ? say.hand : say.handDown) : `${say.step}: ${say[step] ?? ""}`;
    const row = make("li", line.kind);
    row.append(make("b", "", `${hm(line.at)} ${name}`), " ", make("span", "", text));
    this.find("talk")?.append(row);
    const last = row.cloneNode(true);
    const list = this.find("said");
    list?.append(last);
    while (list && list.children.length > 3) list.firstElementChild?.remove();
    if (aloud && line.kind !== "step" && line.seat !== this.session?.me) {
      toast(`${name}: ${text}`, "", "", line.kind === "hand" ? "hand" : "msg");
      announce(`${name} ${text}`);
    }
  }

  private look(): void {
    const clock = this.find("clock");
    if (clock && this.session) clock.textContent = hm(this.session.line.now());
    this.sides();
    this.gauges();
    this.recordGauge();
    this.strip();
    this.people();
    this.banner();
    this.asked();
    const mute = this.querySelector<HTMLButtonElement>('[data-tool="mute"]');
    if (mute) {
      mute.setAttribute("aria-pressed", String(this.feeds.muted));
      const text = mute.querySelector("span");
      if (text) text.textContent = this.feeds.muted ? say.unmute : say.mute;
    }
    const freeze = this.querySelector<HTMLButtonElement>('[data-tool="freeze"]');
    freeze?.setAttribute("aria-pressed", String(!!this.stage?.frame));
    const word = freeze?.querySelector("span");
    if (word) word.textContent = this.stage?.frame ? say.toLive : (word.dataset.plain ??= word.textContent ?? "");
  }

  private sides(): void {
    const { session, stage } = this;
    const place = this.find("sides");
    if (!session || !stage || !place) return;
    const main = stage.picture?.key;
    if (stage.picture) session.shownAt(stage.picture, stage.source);
    const wanted = session.ordered().filter((one) => one.key !== main);
    for (const node of [...place.children] as HTMLElement[]) {
      if (!wanted.some((one) => one.key === node.dataset.key)) node.remove();
    }
    for (const picture of wanted) {
      const tile = place.querySelector<HTMLElement>(`[data-key="${picture.key}"]`) ?? this.tile(picture, place);
      const video = tile.querySelector("video") as HTMLVideoElement;
      if (video.srcObject !== picture.stream) {
        video.srcObject = picture.stream;
        if (picture.stream && !picture.mine) session.watch(picture, video);
      }
      session.shownAt(picture, video);
      const state = tile.querySelector("figcaption span") as HTMLElement;
      const text = this.stateOf(picture);
      if (state.textContent !== text) state.textContent = text;
      const name = tile.querySelector("figcaption b") as HTMLElement;
      const label = picture.source === "face" ? (picture.mine ? say.mine : session.nameOf(picture.seat)) : say[picture.source];
      if (name.textContent !== label) name.textContent = label;
      tile.classList.toggle("talk", session.level(picture.seat) > QUIET);
    }
  }

  private stateOf(picture: Picture): string {
    const session = this.session as Session;
    if (picture.mine) return picture.source === "face" ? "" : say.mine;
    if (session.level(picture.seat) > QUIET && picture.source === "face") return say.speaking;
    if (session.contacts.get(picture.seat) === false) return say.lost;
    const figures = session.delayOf(picture.key);
    return figures ? `${figures.middle} ${say.ms}` : picture.stream ? session.nameOf(picture.seat) : say.waiting;
  }

  private tile(picture: Picture, place: HTMLElement): HTMLElement {
    const tile = make("figure", "side");
    tile.dataset.key = picture.key;
    const video = make("video");
    video.muted = video.autoplay = video.playsInline = true;
    const caption = make("figcaption");
    caption.append(make("b"), make("span"));
    const choose = make("button", "choose");
    choose.type = "button";
    choose.setAttribute("aria-label", say[picture.source]);
    choose.addEventListener("click", () => {
      if (this.stage) this.stage.main = picture.key;
      this.stage?.show();
    });
    tile.append(video, caption, choose);
    place.append(tile);
    return tile;
  }

  private gauge(name: string, value: string, unit: string, state: string, css: string): void {
    const place = this.querySelector<HTMLElement>(`[data-gauge="${name}"]`);
    if (!place) return;
    const [number, word] = [this.find("value", place), this.find("state", place)];
    const key = [value, unit, state, css].join("|");
    if (place.dataset.shown === key) return;
    place.dataset.shown = key;
    number?.replaceChildren(value, make("i", "", unit));
    if (word) {
      word.className = `st ${css}`;
      word.replaceChildren(icon(css === "is-met" ? "link" : "warn"), make("span", "", state));
    }
  }

  private gauges(): void {
    const { session, stage } = this;
    if (!session) return;
    const picture = stage?.picture;
    // Whoever shows the field learns from the others how old it is there.
    const own = picture && !picture.mine ? session.delayOf(picture.key) : null;
    const told = [...session.seats.values()].map((one) => one.d).find((state) => state.delay);
    const delay = own?.middle ?? told?.delay;
    const high = own?.high ?? told?.delay95;
    if (delay === undefined) this.gauge("delay", "–", "", session.seats.size ? say.waiting : say.none, "");
    else {
      const how = grade(delay);
      this.gauge("delay", String(delay), say.ms, `${say[how]}${say.comma}${say.at95}${high ?? delay}`, how === "good" ? "is-met" : how === "bad" ? "is-breach" : "is-warn");
    }
    const worst = session.samples.reduce((most, one) => Math.max(most, one.rtt), 0);
    const steps = [...session.ladders.entries()].filter(([seat]) => session.seats.has(seat)).map(([, ladder]) => ladder.step);
    const step = session.stepTo([...session.ladders.entries()].find(([, ladder]) => ladder.step === Math.max(0, ...steps))?.[0] ?? "");
    if (session.seats.size) this.gauge("link", String(Math.round(worst)), say.ms, say[step], step === "full" ? "is-met" : "is-warn");
    else this.gauge("link", "–", "", say.alone, "");
  }

  private recordGauge(): void {
    const { session } = this;
    const own = session?.recorded;
    const told = [...(session?.seats.values() ?? [])].map((one) => one.d.recording).find(Boolean);
    const state = own ? { seconds: own.seconds, behind: own.behind } : told;
    const place = this.querySelector<HTMLElement>('[data-gauge="record"]');
    if (!place || !state) return;
    place.hidden = false;
    const behind = Math.floor(state.behind / 60);
    const all = state.behind < 15;
    this.gauge("record", String(Math.floor(state.seconds / 60)), say.minutes, all ? say.allUp : behind ? `${behind} ${say.behind}` : say.uploading, all ? "is-met" : "is-warn");
  }

  private strip(): void {
    const { session, stage } = this;
    const place = this.find("strip");
    if (!session || !stage || !place) return;
    const frames = session.ink.frames().slice(-4);
    const key = `${frames.length}` + frames.map((one) => `${one.id}${one.kept}${one.id === stage.frame}${session.frames.get(one.id)}`).join();
    if (place.dataset.shown === key) return;
    place.dataset.shown = key;
    if (!frames.length) return place.replaceChildren(make("p", "meta", say.noFrames));
    place.replaceChildren(
      ...frames.map((one) => {
        const box = make("button", "frame");
        box.type = "button";
        box.dataset.frame = one.id;
        if (one.id === stage.frame) box.setAttribute("aria-current", "true");
        const image = make("img");
        image.src = session.frames.get(one.id) ?? `/rooms/frames/${one.id}/`;
        image.alt = "";
        image.loading = "lazy";
        const text = make("span");
        text.append(make("b", "", hm(one.at)), one.kept ? say.kept : session.nameOf(one.seat));
        box.append(image, text);
        box.addEventListener("click", () => void (one.kept ? undefined : this.keep(one.id)));
        box.title = one.kept ? say.kept : say.keep;
        return box;
      }),
    );
  }

  private people(): void {
    const place = this.find("people");
    const { session } = this;
    if (!place || !session) return;
    const rows = [...session.seats.values()].map((one) => {
      const state = session.contacts.get(one.seat) ? (session.level(one.seat) > QUIET ? say.speaking : one.role === "learner" ? say.watching : one.d.mic ? "" : say.muted) : say.waiting;
      return [one.name, state, one.site];
    });
    const key = JSON.stringify(rows);
    if (place.dataset.shown === key) return;
    place.dataset.shown = key;
    const nodes = rows.map(([name, state, site]) => {
      const row = make("li");
      const who = make("span", "", name);
      who.append(make("small", "meta", ` ${site}`));
      row.append(icon("user"), who, make("b", "", state));
      return row;
    });
    place.replaceChildren(...(nodes.length ? nodes : [make("li", "meta", say.alone)]));
  }

  private banner(): void {
    const place = this.find("banner");
    const { session } = this;
    if (!place || !session?.welcome) return;
    const down = session.seats.size > 0 && [...session.contacts.values()].some((on) => !on) && ![...session.contacts.values()].some(Boolean);
    const delay = session.age(this.stage?.picture?.key);
    let text = "";
    if (down) text = `${say.down} ${this.dataset.telephone ? `${say.call}${this.dataset.telephone}` : ""}`;
    else if (!session.online) text = say.offline;
    else if (delay > 500 && !this.stage?.frame) text = say.freezeFirst;
    else if (session.unstored) text = `${session.unstored} ${say.unstored}`;
    if (place.textContent !== text) place.textContent = text;
    place.hidden = !text;
  }

  // ── the end ──────────────────────────────────────────────────────────────

  private leave(event: Event): void {
    event.preventDefault();
    this.session?.stop();
    this.feeds.stop();
    location.assign(this.dataset.back ?? "/");
  }

  private out(why: string): void {
    window.clearInterval(this.timer);
    this.feeds.stop();
    const room = this.find("room");
    const box = make("section", "doorway");
    const text = make("h1", "", why === "crowded" ? say.crowded : why || say.out);
    const again = make("a", "btn go big", say.again);
    again.href = location.href;
    const back = make("a", "btn big", say.back);
    back.href = this.dataset.back ?? "/";
    box.append(text, again, back);
    room?.replaceWith(box);
  }
}

define("jl-room", Room);
