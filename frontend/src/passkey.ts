// A form with data-passkey="address" asks the device for a passkey: the address says what to ask,
// the answer goes into the form's field `credential`, and the form is sent as any other.
// data-passkey-new makes one instead. <jl-stepup> does the same inside a form that signs.
// Without script, or where the browser has no passkeys, they stay hidden and the password serves.
import { announce, define, icon, make, uuid, writeHeaders } from "./page";
import { words } from "./words";

type Json = Record<string, unknown>;

const able = window.isSecureContext && "PublicKeyCredential" in window;

function bytes(text: string): ArrayBuffer {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const array = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) array[at] = binary.charCodeAt(at);
  return array.buffer;
}

function text(buffer: ArrayBuffer | null): string | null {
  if (!buffer) return null;
  let binary = "";
  for (const byte of new Uint8Array(buffer)) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

const named = (list: unknown): PublicKeyCredentialDescriptor[] =>
  ((list ?? []) as { id: string; type: "public-key" }[]).map((one) => ({ ...one, id: bytes(one.id) }));

async function asked(address: string): Promise<Json | null> {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (answer.redirected || !answer.headers.get("Content-Type")?.includes("json")) {
    window.location.assign(answer.url); // signed out meanwhile, or to be asked again first
    return null;
  }
  return ((await answer.json()) as { publicKey: Json }).publicKey;
}

async function shown(address: string): Promise<string | null> {
  const options = await asked(address);
  if (!options) return null;
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge as string),
    allowCredentials: named(options.allowCredentials),
  } as unknown as PublicKeyCredentialRequestOptions;
  const found = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  const said = found.response as AuthenticatorAssertionResponse;
  return written(found, {
    authenticatorData: text(said.authenticatorData),
    clientDataJSON: text(said.clientDataJSON),
    signature: text(said.signature),
    userHandle: text(said.userHandle),
  });
}

async function made(address: string): Promise<string | null> {
  const options = await asked(address);
  if (!options) return null;
  const user = options.user as Json;
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge as string),
    user: { ...user, id: bytes(user.id as string) },
    excludeCredentials: named(options.excludeCredentials),
  } as unknown as PublicKeyCredentialCreationOptions;
  const found = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  const said = found.response as AuthenticatorAttestationResponse;
  return written(found, {
    attestationObject: text(said.attestationObject),
    clientDataJSON: text(said.clientDataJSON),
    transports: said.getTransports?.() ?? [],
  });
}

function written(found: PublicKeyCredential, response: Json): string {
  return JSON.stringify({
    id: found.id,
    rawId: text(found.rawId),
    type: found.type,
    authenticatorAttachment: found.authenticatorAttachment,
    clientExtensionResults: found.getClientExtensionResults(),
    response,
  });
}

function complain(place: Element, fault: unknown): void {
  const known = fault instanceof DOMException && fault.name === "InvalidStateError";
  const sentence = known ? words.passkeyKnown : words.passkeyStopped;
  place.querySelector(".err[data-passkey-error]")?.remove();
  const line = make("p", "err");
  line.dataset.passkeyError = "";
  line.append(icon("warn"), sentence);
  place.append(line);
  announce(sentence);
}

async function go(form: HTMLFormElement): Promise<void> {
  const address = form.dataset.passkey ?? "";
  const button = form.querySelector("button");
  button?.setAttribute("aria-busy", "true");
  try {
    const answer = await ("passkeyNew" in form.dataset ? made(address) : shown(address));
    const field = form.querySelector<HTMLInputElement>("input[name=credential]");
    if (answer === null || !field) return;
    field.value = answer;
    form.submit(); // past our own listener
  } catch (fault) {
    complain(form, fault);
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

class StepUp extends HTMLElement {
  connectedCallback(): void {
    this.hidden = !able;
    this.querySelector("button")?.addEventListener("click", () => void this.prove());
  }

  private async prove(): Promise<void> {
    try {
      const credential = await shown(this.getAttribute("src") ?? "");
      if (credential === null) return;
      const answer = await fetch(this.getAttribute("to") ?? "", {
        method: "POST",
        headers: { ...writeHeaders(uuid()), "Jieli-Redirect": "none" },
        body: new URLSearchParams({ credential, next: window.location.pathname }),
      });
      if (answer.status !== 204) throw new Error("not accepted");
      this.sign();
    } catch (fault) {
      complain(this, fault);
    }
  }

  private sign(): void {
    const form = this.closest("form");
    const password = form?.querySelector<HTMLInputElement>("input[name=password]");
    if (password) password.required = false;
    form?.requestSubmit();
  }
}

if (able) {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void go(form);
    });
    if (form.querySelector(".btn.go")) {
      document.querySelector("[data-second]")?.classList.remove("go", "big"); // one filled button
    }
  }
}
define("jl-stepup", StepUp);
