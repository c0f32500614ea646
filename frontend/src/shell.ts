// The service worker's side of a page: start it, let it keep today's duty telephones, hear of what
// it has sent. Only behind https (or on this machine): elsewhere browsers have none.
import { me } from "./drafts";
import { toast } from "./page";
import { words } from "./words";

export function startShell(): void {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  workers.addEventListener("message", (event) => {
    const news = event.data as { kind?: string; url?: string };
    if (news.kind === "sent" && news.url) toast(words.sent, news.url, words.open);
  });
  // After the page: its own parts come first on a weak link.
  const begin = (): void => {
    void workers
      .register("/sw.js", { scope: "/" })
      .then(() => workers.ready)
      .then((ready) => ready.active?.postMessage({ kind: "page", me }))
      .catch(() => undefined); // a private window: the pages work without it
  };
  if (document.readyState === "complete") begin();
  else window.addEventListener("load", begin);
}
