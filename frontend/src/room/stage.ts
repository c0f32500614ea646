// The main picture: what is shown there, ink on it, and the hand that draws.
import { GRID, type Stroke, type Tool } from "./ink";
import { fitted, paint, STYLES, type Box } from "./paint";
import type { Picture, Session } from "./session";
import { hm, say } from "./words";

export class Stage {
  tool: Tool | "point" | "" = "pen";
  main = ""; // key of the picture that is shown large; "" follows what matters most
  private video: HTMLVideoElement;
  private frozen: HTMLImageElement;
  private still: HTMLImageElement;
  private canvas: HTMLCanvasElement;
  private context: CanvasRenderingContext2D | null;
  private shown = ""; // picture whose stream the element has
  private drawing?: ReturnType<Session["draw"]>;
  private pointers = new Map<string, { x: number; y: number; at: number; feed: string }>();
  private stills = new Map<string, { url: string; at: number }>();
  private asked = 0;
  private pointed = 0;

  constructor(private root: HTMLElement, private session: Session, may: boolean) {
    const find = <E extends HTMLElement>(name: string): E => root.querySelector<E>(`[data-${name}]`) as E;
    this.video = find("main");
    this.frozen = find("frozen");
    this.still = find("still");
    this.canvas = find("ink");
    this.context = this.canvas.getContext("2d");
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.video.addEventListener("resize", () => this.draw());
    this.frozen.addEventListener("load", () => this.draw());
    if (may) this.listen();
    const tick = (): void => {
      if (!root.isConnected) return;
      if (this.restless) this.draw();
      window.setTimeout(() => requestAnimationFrame(tick), 60); // fading needs no more
    };
    tick();
  }

  private get restless(): boolean {
    const now = this.session.line.now();
    const picture = this.picture;
    if (!picture) return false;
    return this.pointers.size > 0 || this.frame === "" && this.session.ink.on(picture.feed, "", now - 400).length > 0;
  }

  get picture(): Picture | undefined {
    const all = this.session.ordered();
    const seen = (one?: Picture): boolean => !!one && (!!one.stream || this.stills.has(one.feed));
    const chosen = this.session.pictures.get(this.main);
    return seen(chosen) ? chosen : (all.find(seen) ?? all[0]); // whoever has gone leaves no black stage
  }

  /** The frozen picture that lies over the feed now, "" when it moves. */
  get frame(): string {
    const picture = this.picture;
    return picture ? (this.session.ink.still(picture.feed, this.session.line.now())?.id ?? "") : "";
  }

  get source(): HTMLVideoElement {
    return this.video;
  }

  /** Somebody froze a feed: everybody looks at it. */
  follow(feed: string): void {
    const picture = [...this.session.pictures.values()].find((one) => one.feed === feed);
    if (picture) this.main = picture.key;
  }

  paste(feed: string, url: string, at: number): void {
    const old = this.stills.get(feed);
    if (old) URL.revokeObjectURL(old.url);
    this.stills.set(feed, { url, at });
    this.show();
  }

  point(seat: string, feed: string, x: number, y: number): void {
    this.pointers.set(seat, { x, y, at: performance.now(), feed });
    this.draw();
  }

  /** Anew after anything changed; many changes in one frame are one drawing. */
  show(): void {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.put();
      this.draw();
    });
  }

  private put(): void {
    const picture = this.picture;
    const stream = picture?.stream ?? null;
    if (this.video.srcObject !== stream) {
      this.video.srcObject = stream;
      if (stream) void this.video.play().catch(() => undefined);
    }
    if (picture && stream && !picture.mine && this.shown !== picture.key + stream.id) this.session.watch(picture, this.video);
    this.shown = picture ? picture.key + (stream?.id ?? "") : "";
    const frame = this.frame;
    const url = frame ? (this.session.frames.get(frame) ?? `/rooms/frames/${frame}/`) : "";
    if (url && this.frozen.getAttribute("src") !== url) this.frozen.src = url;
    this.frozen.hidden = !frame;
    const still = picture && !picture.mine ? this.stills.get(picture.feed) : undefined;
    const fresh = still && this.session.line.now() - still.at < 30000 && this.session.seats.get(picture?.seat ?? "")?.d.step;
    const useStill = !!still && !frame && (fresh === "stills" || fresh === "voice");
    if (still && this.still.getAttribute("src") !== still.url) this.still.src = still.url;
    this.still.hidden = !useStill;
    this.title(picture, frame, useStill ? still?.at : undefined);
  }

  private title(picture: Picture | undefined, frame: string, still?: number): void {
    const title = this.root.querySelector<HTMLElement>("[data-title]");
    if (!title) return;
    title.hidden = !picture;
    if (!picture) return;
    const held = frame ? this.session.ink.frames().find((one) => one.id === frame) : undefined;
    const size = this.video.videoHeight ? ` ${this.video.videoHeight}p` : "";
    const state = held ? `${say.frozen} ${hm(held.at)} ${this.session.nameOf(held.seat)}` : still ? `${say.stillOf} ${hm(still)}` : `${say.live}${size}`;
    const bold = document.createElement("b");
    bold.textContent = say[picture.source];
    title.replaceChildren(bold, ` ${picture.mine ? say.mine : this.session.nameOf(picture.seat)} · ${state}`);
    title.classList.toggle("is-frozen", !!held);
  }

  /** Where the picture lies inside its frame, in CSS pixels. */
  private get box(): Box {
    const shown = !this.frozen.hidden ? this.frozen : !this.still.hidden ? this.still : undefined;
    const [w, h] = shown ? [shown.naturalWidth, shown.naturalHeight] : [this.video.videoWidth, this.video.videoHeight];
    return fitted(this.canvas.clientWidth, this.canvas.clientHeight, w, h);
  }

  draw(): void {
    const context = this.context;
    if (!context) return;
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(this.canvas.clientWidth * ratio), Math.round(this.canvas.clientHeight * ratio)];
    if (this.canvas.width !== w) this.canvas.width = w;
    if (this.canvas.height !== h) this.canvas.height = h;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, w, h);
    const picture = this.picture;
    if (!picture) return;
    const box = this.box;
    const now = this.session.line.now();
    const strokes = this.session.ink.on(picture.feed, this.frame, now);
    paint(context, box, strokes, (seat) => this.style(seat), now);
    this.drawPointers(context, box, picture);
    this.hands(strokes);
  }

  style(seat: string): (typeof STYLES)[number] {
    const hands = this.session.ink.hands();
    const at = hands.includes(seat) ? hands.indexOf(seat) : hands.length;
    return STYLES[at % STYLES.length];
  }

  private drawPointers(context: CanvasRenderingContext2D, box: Box, picture: Picture): void {
    for (const [seat, one] of this.pointers) {
      if (performance.now() - one.at > 1500) {
        this.pointers.delete(seat);
        continue;
      }
      if (one.feed !== picture.feed) continue;
      const [x, y] = [box.x + (one.x / GRID) * box.w, box.y + (one.y / GRID) * box.h];
      context.beginPath();
      context.arc(x, y, 11, 0, Math.PI * 2);
      context.lineWidth = 6;
      context.strokeStyle = "rgba(5,7,7,.7)";
      context.stroke();
      context.lineWidth = 3;
      context.strokeStyle = this.style(seat).colour;
      context.stroke();
      context.font = "700 15px sans-serif";
      context.fillStyle = this.style(seat).colour;
      context.fillText(this.session.nameOf(seat), x + 16, y + 5);
    }
  }

  /** Whose line is which: said in words, beside a sample of it. */
  private hands(strokes: Stroke[]): void {
    const place = this.root.querySelector<HTMLElement>("[data-hands]");
    if (!place) return;
    const seats = [...new Set(strokes.map((one) => one.seat))];
    const key = seats.join();
    place.hidden = !seats.length;
    if (place.dataset.key === key) return;
    place.dataset.key = key;
    place.replaceChildren(
      ...seats.flatMap((seat) => {
        const sample = document.createElement("span");
        sample.className = `sw s${STYLES.indexOf(this.style(seat))}`;
        return [sample, document.createTextNode(this.session.nameOf(seat))];
      }),
    );
  }

  // ── the hand ─────────────────────────────────────────────────────────────

  private listen(): void {
    const canvas = this.canvas;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => this.up());
    canvas.addEventListener("pointercancel", () => {
      this.drawing?.cancel();
      this.drawing = undefined;
    });
  }

  private at(event: PointerEvent): [number, number] | null {
    const rect = this.canvas.getBoundingClientRect();
    const box = this.box;
    const x = (event.clientX - rect.left - box.x) / box.w;
    const y = (event.clientY - rect.top - box.y) / box.h;
    const inside = x >= -0.02 && y >= -0.02 && x <= 1.02 && y <= 1.02;
    const whole = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * GRID);
    return inside ? [whole(x), whole(y)] : null;
  }

  private down(event: PointerEvent): void {
    const picture = this.picture;
    const at = this.at(event);
    if (!picture || !at || !this.tool || this.tool === "point" || event.button > 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drawing = this.session.draw(picture.feed, this.frame, this.tool);
    this.drawing.more(at);
    event.preventDefault();
  }

  private move(event: PointerEvent): void {
    const picture = this.picture;
    if (this.drawing) {
      const events = event.getCoalescedEvents?.() ?? [];
      const points = (events.length ? events : [event]).map((one) => this.at(one)).filter((one): one is [number, number] => one !== null);
      if (points.length) this.drawing.more(this.tool === "pen" ? points.flat() : points[points.length - 1]);
      return;
    }
    const at = this.tool === "point" ? this.at(event) : null;
    if (!at || !picture || performance.now() - this.pointed < 60) return;
    this.pointed = performance.now();
    this.session.point(picture.feed, ...at);
  }

  private up(): void {
    this.drawing?.end();
    this.drawing = undefined;
  }

  /** The frozen picture with its ink, as one JPEG in the picture's own size. */
  async composed(frame: string): Promise<Blob | null> {
    const held = this.session.ink.frames().find((one) => one.id === frame);
    const url = this.session.frames.get(frame);
    if (!held || !url) return null;
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    if (!context) return null;
    context.drawImage(image, 0, 0);
    const box = { x: 0, y: 0, w: canvas.width, h: canvas.height };
    paint(context, box, this.session.ink.on(held.feed, frame, Infinity), (seat) => this.style(seat), Infinity);
    return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  }
}
