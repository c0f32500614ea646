// What a ring looks like while another page is open: the banner, and the system's own notice.
import { icon, make } from "./page";
import { words } from "./words";

export interface Ring {
  key: string;
  url: string;
  urgency: string;
  title: string;
  ends_at: string | null;
  kind: string;
}

/** The banner over everything; `unlock` runs when a blocked sound is asked for. */
export function banner(ring: Ring, seconds: HTMLElement, unlock: () => void): HTMLElement {
  const bar = make("div", "ringbar");
  bar.dataset.key = ring.key;
  bar.setAttribute("role", "alertdialog");
  bar.setAttribute("aria-label", `${words.call} ${ring.urgency}`);
  const what = make("div");
  what.append(make("b", "", `${words.call} ${ring.urgency}`), make("span", "meta", ring.title));
  const go = make("a", "btn big");
  go.href = ring.url;
  go.append(icon("phone"), words.answer);
  const mute = make("div", "mute");
  const open = make("button", "btn slim", words.unlock);
  open.type = "button";
  open.addEventListener("click", unlock);
  mute.append(make("span", "", words.blocked), open);
  mute.hidden = true;
  bar.append(icon("ring"), what, seconds, go, mute);
  return bar;
}

export function notice(ring: Ring): void {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  try {
    const note = new Notification(`${words.call} ${ring.urgency}`, {
      body: ring.title,
      tag: ring.key,
      requireInteraction: true,
    });
    note.onclick = () => {
      window.focus();
      location.assign(ring.url);
    };
  } catch {
    // Chrome on Android wants a service worker for this; sound and banner remain.
  }
}
