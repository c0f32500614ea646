// A form or a button with data-confirm="sentence" asks once more before it is sent.
// Without script the form is sent at once; the server's own check is the one that counts.
import { make } from "./page";
import { words } from "./words";

/** Ask in a native dialog; true when the person says yes. */
export function ask(sentence: string, yes = words.yes): Promise<boolean> {
  const dialog = make("dialog");
  const form = make("form");
  form.method = "dialog";
  const row = make("div", "btns");
  const no = make("button", "btn", words.no);
  no.value = "no";
  const go = make("button", "btn go", yes);
  go.value = "yes";
  row.append(no, go);
  const text = make("p", "", sentence);
  text.id = "jl-ask";
  dialog.setAttribute("aria-labelledby", text.id);
  form.append(text, row);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      answer(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

const granted = new WeakSet<HTMLFormElement>();

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target as HTMLFormElement;
    const button = event.submitter as HTMLButtonElement | null;
    const sentence = button?.dataset.confirm ?? form.dataset.confirm;
    if (!sentence || granted.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void ask(sentence, button?.textContent?.trim() || words.yes).then((yes) => {
      if (!yes) return;
      granted.add(form);
      form.requestSubmit(button);
    });
  },
  true,
);
