// <jl-print>: a button that prints the page. Without script a browser's own menu does it.
import { define, icon, make } from "./page";

class Print extends HTMLElement {
  connectedCallback(): void {
    const button = make("button", "btn go");
    button.type = "button";
    button.append(icon("print"), this.getAttribute("label") ?? "");
    button.addEventListener("click", () => window.print());
    this.replaceChildren(button);
  }
}

define("jl-print", Print);
