// Sendings that outlived their page: they go on from any page of ours. Signing out clears them.
import { ask } from "./confirm";
import { drop, dropAll, queued, type Draft } from "./drafts";
import { icon, make, toast } from "./page";
import { send, WAITS } from "./send";
import { words } from "./words";

let attempts = 0;
const line = make("div", "netbar");

function here(draft: Draft): boolean {
  return [...document.querySelectorAll<HTMLFormElement>("form[data-draft]")].some(
    (form) => form.dataset.draft === draft.name,
  );
}

async function flush(): Promise<void> {
  if (!document.body.dataset.me) return;
  const waiting = queued().filter((draft) => !here(draft));
  for (const draft of waiting) {
    const outcome = await send(draft);
    if (outcome.kind === "done") {
      drop(draft.name);
      toast(words.sent, outcome.url, words.open);
    } else if (outcome.kind !== "later") {
      // It needs a person again: leave it as a draft on its own page, and lead there.
      localStorage.setItem(`jl.draft.${draft.name}`, JSON.stringify({ ...draft, queuedAt: undefined }));
      toast(words.failed, draft.page, words.open, "warn");
    }
  }
  const left = queued().filter((draft) => !here(draft));
  line.remove();
  if (!left.length) return;
  const link = make("a", "", words.open);
  link.href = left[0].page;
  line.replaceChildren(icon("net"), `${left.length} ${words.waiting}`, link);
  document.querySelector("main")?.before(line);
  window.setTimeout(() => void flush(), WAITS[Math.min(attempts++, WAITS.length - 1)]);
}

document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.dataset.signout === undefined) return;
  if (!queued().length || form.dataset.sure) return dropAll();
  event.preventDefault();
  void ask(words.loseDrafts).then((yes) => {
    if (!yes) return;
    form.dataset.sure = "1";
    form.requestSubmit();
  });
});

export function startOutbox(): void {
  void flush();
}
