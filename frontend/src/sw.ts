// The service worker. It keeps three things: the shell (style, script, icons, the page that says
// there is no network), the duty telephones of whoever is signed in, and the promise to send what
// was queued. A page about a patient is never kept: pages come from the network or not at all.
import { alone, OUTBOX, send } from "./send";
import { clean, Shelf, type Draft } from "./shelf";
import { DUTY } from "./store";

interface Waiting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Waiting {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Client {
  postMessage(message: unknown): void;
}
interface Scope {
  JIELI: { version: string; shell: string[]; languages: string[] };
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void>; matchAll(options: { type: "window" }): Promise<Client[]> };
  cookieStore?: { get(name: string): Promise<{ value: string } | null> };
  addEventListener(name: string, listen: (event: never) => void): void;
}
const scope = self as unknown as Scope;
const { version, shell, languages } = scope.JIELI;
const SHELL = `jl-shell-${version}`;
const TELEPHONES = "/duty/telephones/";
const FRESH = 10 * 60 * 1000;
const PATIENCE = 120 * 1000;
const offline = (language: string): string => `/offline/${language}/`;

// -- the shell: addresses carry the version of their content, so what is found is never old

scope.addEventListener("install", (event: Waiting) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(SHELL);
      await Promise.all(
        [...shell, ...languages.map(offline)].map(async (address) => {
          const known = shell.includes(address) ? await caches.match(address) : undefined;
          await (known ? cache.put(address, known) : cache.add(address));
        }),
      );
      await scope.skipWaiting();
    })(),
  );
});

scope.addEventListener("activate", (event: Waiting) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith("jl-shell-") && name !== SHELL);
      await Promise.all(old.map((name) => caches.delete(name)));
      await scope.clients.claim();
    })(),
  );
});

scope.addEventListener("fetch", (event: Fetching) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (shell.includes(url.pathname + url.search)) event.respondWith(fromShell(request));
  else if (request.mode === "navigate") event.respondWith(page(request, url));
});

async function fromShell(request: Request): Promise<Response> {
  return (await caches.match(request.url)) ?? fetch(request);
}

async function page(request: Request, url: URL): Promise<Response> {
  try {
    return await fetch(request);
  } catch (fault) {
    const kept = url.pathname === TELEPHONES && (await caches.match(TELEPHONES, { cacheName: DUTY }));
    return kept || (await caches.match(offline(await language()))) || Promise.reject(fault);
  }
}

async function language(): Promise<string> {
  const said = (await scope.cookieStore?.get("django_language"))?.value ?? navigator.language;
  return languages.find((known) => said.toLowerCase().startsWith(known.slice(0, 2))) ?? languages[0];
}

// -- the duty telephones: no patient on them; gone at sign-out, or when somebody else signs in

scope.addEventListener("message", (event: MessageEvent<{ kind: string; me: string }> & Waiting) => {
  if (event.data.kind === "page" && event.data.me) event.waitUntil(keepTelephones(event.data.me));
});

async function keepTelephones(me: string): Promise<void> {
  const known = await caches.match(TELEPHONES, { cacheName: DUTY });
  const mine = known?.headers.get("Jieli-Owner") === me;
  if (known && !mine) await caches.delete(DUTY);
  if (mine && Date.now() - Number(known?.headers.get("Jieli-Kept")) < FRESH) return;
  const answer = await fetch(TELEPHONES, { redirect: "manual" }).catch(() => undefined);
  if (!answer?.ok) return;
  const text = await answer.text();
  if (!text.includes(`data-me="${me}"`)) return; // somebody else has signed in meanwhile
  const kept = Date.now();
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": answer.headers.get("Content-Security-Policy") ?? "default-src 'self'",
    "Jieli-Owner": me,
    "Jieli-Kept": String(kept),
  };
  await (await caches.open(DUTY)).put(TELEPHONES, new Response(withoutSecrets(text, kept), { headers }));
}

function withoutSecrets(text: string, kept: number): string {
  return text
    .replace(/ hx-headers='[^']*'/, "")
    .replace(/ data-seal="[^"]*"/, ` data-kept="${kept}"`)
    .replace(/<form\b[\s\S]*?<\/form>/g, ""); // nothing can be sent from a copy
}

// -- queued sends, also when their page is closed

scope.addEventListener("sync", (event: Waiting & { tag: string }) => {
  if (event.tag === OUTBOX) event.waitUntil(flush());
});

async function flush(): Promise<void> {
  await clean();
  const answer = await fetch("/me/seal/", { redirect: "manual" }); // fails: the browser asks again
  if (!answer.ok) return; // nobody is signed in: it waits for its person
  const { me, seal, token } = (await answer.json()) as Record<string, string>;
  const kept = await Shelf.open(seal, me);
  if (!kept) return;
  let left = 0;
  for (const draft of await kept.queued()) {
    left += 1;
    // While its page is open the page sends it; when that is closed, its lock comes to us.
    await alone(draft, async () => void (left -= Number(await pass(kept, draft, token))), PATIENCE);
  }
  if (left) throw new Error("not sent yet"); // the browser comes again by itself
}

async function pass(kept: Shelf, draft: Draft, token: string): Promise<boolean> {
  if (!(await kept.queued()).some((one) => one.id === draft.id)) return true; // sent by its page
  const outcome = await send(draft, token);
  if (outcome.kind === "later") return false;
  // Written down, since a page that is just opening does not listen yet.
  if (outcome.kind === "done") await kept.write({ ...draft, fields: [], queuedAt: undefined, sent: outcome.url });
  else await kept.write({ ...draft, queuedAt: undefined, refused: true });
  for (const client of await scope.clients.matchAll({ type: "window" })) client.postMessage({ kind: "sent" });
  return true;
}
