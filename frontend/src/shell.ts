// The service worker's side of a page: start it, let it keep today's duty telephones.
// Only behind https (or on this machine): elsewhere browsers have none.
import { me } from "./drafts";

export function startShell(): void {
  const workers = navigator.serviceWorker;
  if (!workers) return;
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
