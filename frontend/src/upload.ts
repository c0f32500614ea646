// <jl-upload pieces="…">: around a file field. Each file goes by itself and in pieces, so that a
// break costs a piece and not the file. A photo is made small first and arrives within seconds;
// its original follows after all the small ones. Without script the form is sent whole.
import { sha256 } from "./digest";
import { define, icon, make } from "./page";
import { Pieces, type Arrival } from "./pieces";
import { words } from "./words";

const LONGEST = 1600;

async function smaller(file: File): Promise<Blob> {
  if (!/^image\/(jpeg|png|webp|heic|heif)$/.test(file.type)) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const canvas = make("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.8));
    return blob && blob.size < file.size ? blob : file;
  } catch {
    return file; // a format this browser cannot read: the server decides
  }
}

/** A link for which the person pays by the byte, or one that is hopeless: ask before the original. */
function tight(): boolean {
  const link = (navigator as { connection?: { saveData?: boolean; effectiveType?: string } }).connection;
  return !!link?.saveData || /2g$/.test(link?.effectiveType ?? "");
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

class Row {
  readonly node = make("li");
  private state = make("span", "meta");
  private bar = make("progress");
  private again = make("button", "btn slim", words.sendOriginal);
  private document = ""; // the small picture that has arrived
  private small?: Blob;

  constructor(private file: File, private owner: Upload) {
    this.bar.max = 1;
    this.again.type = "button";
    this.again.hidden = true;
    this.again.addEventListener("click", () => void this.original(true));
    this.state.setAttribute("role", "status");
    this.node.append(make("b", "", file.name), this.state, this.again, this.bar);
  }

  /** What is needed at once: the file, or of a photo the small picture. */
  async first(): Promise<void> {
    this.state.textContent = words.scaling;
    this.small = await smaller(this.file);
    const whole = this.small === this.file;
    const said: Record<string, string> = { name: whole ? this.file.name : this.file.name.replace(/\.\w+$|$/, ".jpg"), ...this.owner.extra() };
    if (!whole) said.follows = await sha256(this.file);
    const arrival = await this.pass(this.small, said, "");
    if (arrival.kind !== "done") return;
    if (!whole) this.document = arrival.document;
    this.say("met", whole ? words.uploaded : words.smallUploaded);
  }

  /** When there is room. */
  async original(asked = false): Promise<void> {
    if (!this.document) return;
    this.again.hidden = asked || !tight();
    if (!this.again.hidden) return;
    const arrival = await this.pass(this.file, { name: this.file.name, original_of: this.document }, words.original);
    if (arrival.kind !== "done") return;
    this.document = "";
    this.say("met", words.originalUploaded);
  }

  private async pass(file: Blob, said: Record<string, string>, what: string): Promise<Arrival> {
    this.bar.hidden = false;
    let far = "";
    const arrival = await new Pieces(this.owner.pieces, file, said, {
      sent: (bytes) => {
        this.bar.value = bytes / file.size;
        far = `${what} ${Math.round(this.bar.value * 100)}% · ${megabytes(bytes)} / ${megabytes(file.size)} MB`;
        this.state.textContent = far;
      },
      broken: (sentence) => this.state.replaceChildren(icon("net"), ` ${sentence || words.unsent} ${far}`),
    }, !!what).send();
    this.bar.hidden = true;
    if (arrival.kind === "done") this.owner.dispatchEvent(new CustomEvent("jl:uploaded", { bubbles: true }));
    else this.say("warn", arrival.kind === "expired" ? words.expiredUpload : arrival.sentence || words.failed);
    return arrival;
  }

  private say(name: string, text: string): void {
    this.state.replaceChildren(icon(name), ` ${text}`);
  }
}

class Upload extends HTMLElement {
  private list = make("ul", "ups");
  private line: Promise<void> = Promise.resolve(); // one after the other: a weak link carries one
  private waiting: Row[] = []; // originals

  connectedCallback(): void {
    const input = this.querySelector<HTMLInputElement>("input[type=file]");
    if (!input || this.list.isConnected) return;
    this.append(this.list);
    for (const plain of this.querySelectorAll<HTMLElement>("[data-plain]")) plain.hidden = true;
    input.addEventListener("change", () => this.take(input));
  }

  get pieces(): string {
    return this.getAttribute("pieces") ?? "";
  }

  /** What stands beside the file in the same wrapper: its title. */
  extra(): Record<string, string> {
    const fields = this.querySelectorAll<HTMLInputElement>("input[name]:not([type=file]), select[name]");
    return Object.fromEntries([...fields].filter((field) => field.value).map((field) => [field.name, field.value]));
  }

  private take(input: HTMLInputElement): void {
    for (const file of input.files ?? []) {
      const row = new Row(file, this);
      this.list.append(row.node);
      this.waiting.push(row);
      this.then(() => row.first());
    }
    input.value = "";
    this.then(() => this.originals());
  }

  /** A file that is chosen meanwhile waits for one original at most. */
  private async originals(): Promise<void> {
    const row = this.waiting.shift();
    if (!row) return;
    await row.original();
    this.then(() => this.originals());
  }

  private then(work: () => Promise<void>): void {
    this.line = this.line.then(work).catch((fault: unknown) => console.error(fault));
  }
}

define("jl-upload", Upload);
