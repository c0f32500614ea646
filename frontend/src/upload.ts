// <jl-upload action="…">: around a file field. Each file goes by itself, pictures made smaller
// first, with its own progress and its own retry; without script the form around it is sent whole.
import { define, icon, make, uuid, writeHeaders } from "./page";
import { words } from "./words";

const LONGEST = 1600;
const RETRIES = [1000, 3000, 8000];

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

class Row {
  readonly node = make("li");
  private state = make("span", "meta");
  private bar = make("progress");
  private again = make("button", "btn slim", words.retry);
  private key = uuid();
  private attempts = 0;
  private blob?: Blob;

  constructor(private file: File, private owner: Upload) {
    this.bar.max = 1;
    this.again.type = "button";
    this.again.hidden = true;
    this.again.addEventListener("click", () => void this.start());
    this.state.setAttribute("role", "status");
    this.node.append(make("b", "", file.name), this.state, this.again, this.bar);
  }

  async start(): Promise<void> {
    this.again.hidden = true;
    this.bar.hidden = false;
    this.state.textContent = words.scaling;
    this.blob ??= await smaller(this.file);
    const name = this.blob === this.file ? this.file.name : this.file.name.replace(/\.\w+$|$/, ".jpg");
    const data = this.owner.extra();
    data.set(this.owner.field, this.blob, name);
    data.set("_key", this.key);
    const request = new XMLHttpRequest();
    request.open("POST", this.owner.address);
    for (const [header, value] of Object.entries({ ...writeHeaders(this.key), "Jieli-Redirect": "say" })) request.setRequestHeader(header, value);
    request.upload.onprogress = (event) => {
      this.bar.value = event.total ? event.loaded / event.total : 0;
      this.state.textContent = `${Math.round(this.bar.value * 100)}%`;
    };
    request.onload = () => this.answered(request);
    request.onerror = request.ontimeout = () => this.failed();
    request.timeout = 180000;
    request.send(data);
  }

  private answered(request: XMLHttpRequest): void {
    if (request.status >= 500 || request.status === 429) return this.failed();
    this.bar.hidden = true;
    if (request.status >= 200 && request.status < 300) {
      this.state.replaceChildren(icon("met"), ` ${words.uploaded}`);
      this.owner.dispatchEvent(new CustomEvent("jl:uploaded", { bubbles: true }));
      return;
    }
    this.key = uuid();
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const said = page.querySelector("main .err, .plain p, .err")?.textContent?.trim();
    this.state.replaceChildren(icon("warn"), ` ${said || words.failed}`);
    this.again.hidden = request.status === 413 || request.status === 422;
  }

  private failed(): void {
    const wait = RETRIES[this.attempts++];
    this.state.replaceChildren(icon("net"), ` ${words.unsent}`);
    if (wait) return void window.setTimeout(() => void this.start(), wait);
    this.attempts = 0;
    this.state.replaceChildren(icon("warn"), ` ${words.failed}`);
    this.again.hidden = false;
  }
}

class Upload extends HTMLElement {
  private list = make("ul", "ups");

  connectedCallback(): void {
    const input = this.querySelector<HTMLInputElement>("input[type=file]");
    if (!input || this.list.isConnected) return;
    this.append(this.list);
    for (const plain of this.querySelectorAll<HTMLElement>("[data-plain]")) plain.hidden = true;
    input.addEventListener("change", () => void this.take(input));
  }

  get address(): string {
    return this.getAttribute("action") ?? this.closest("form")?.action ?? "";
  }

  get field(): string {
    return this.querySelector<HTMLInputElement>("input[type=file]")?.name || "file";
  }

  /** What stands beside the file in the same wrapper: its kind, its title. */
  extra(): FormData {
    const data = new FormData();
    for (const field of this.querySelectorAll<HTMLInputElement>("input[name], select[name], textarea[name]")) {
      const off = (field.type === "radio" || field.type === "checkbox") && !field.checked;
      if (field.type !== "file" && !off) data.set(field.name, field.value);
    }
    return data;
  }

  private async take(input: HTMLInputElement): Promise<void> {
    const rows = [...(input.files ?? [])].map((file) => new Row(file, this));
    input.value = "";
    for (const row of rows) this.list.append(row.node);
    for (const row of rows) await row.start(); // one after the other: a weak link carries one
  }
}

define("jl-upload", Upload);
