// Recordings that an earlier visit of a room left in this browser: any page sends them on, and says
// so. The page that records does this by itself.
import { make } from "./page";
import { LIVE, sendLeftovers, waiting, type Pace } from "./room/sender";
import { Vault } from "./room/vault";
import { words } from "./words";

const LOOK = 3000;
let recordsNow = false;

/** Somebody records beside this page: the room comes first. */
function pace(): Pace {
  const link = (navigator as { connection?: { saveData?: boolean } }).connection;
  return recordsNow || link?.saveData ? "slow" : "full";
}

const minutes = (seconds: number): string => (seconds < 60 ? `${Math.ceil(seconds)} ${words.s}` : `${Math.ceil(seconds / 60)} ${words.min}`);

function bar(): HTMLElement {
  const node = make("p", "netbar recbar");
  node.setAttribute("role", "status");
  node.hidden = true;
  document.querySelector("main")?.before(node);
  return node;
}

async function begin(): Promise<void> {
  const vault = await Vault.find();
  const owner = document.body.dataset.me;
  if (!vault || !owner) return;
  const node = bar();
  let had = false;
  const look = async (): Promise<void> => {
    recordsNow = !!(await navigator.locks.query()).held?.some((lock) => lock.name === LIVE);
    const { mine, others, refused } = await waiting(vault, owner);
    const said = [
      mine ? `${words.recWaiting} ${minutes(mine)}. ${words.recKeep}` : had ? words.recDone : "",
      refused ? `${words.recRefused} ${minutes(refused)}.` : "",
      others ? `${words.recOthers} ${minutes(others)}.` : "",
    ];
    had ||= mine > 0;
    const text = said.filter(Boolean).join(" ");
    if (node.textContent !== text) node.textContent = text;
    node.hidden = !text;
  };
  await look();
  const timer = window.setInterval(() => void look(), LOOK);
  await sendLeftovers(vault, owner, pace, () => void look());
  await look();
  if (!(await waiting(vault, owner)).others) window.clearInterval(timer);
}

export function startLeftovers(): void {
  if (!navigator.storage?.getDirectory || !navigator.locks || document.body.dataset.room !== undefined) return;
  window.setTimeout(() => void begin().catch((fault: unknown) => console.error(fault)), 1500); // the page comes first
}
