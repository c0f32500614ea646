/** Show the server's page in place: the same markup as a plain answer would have brought. */
export function showPage(html: string): void {
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.querySelector("main");
  const old = document.querySelector("main");
  if (!fresh || !old) return;
  old.replaceWith(document.adoptNode(fresh));
  document.title = page.title || document.title;
  const htmx = (window as { htmx?: { process(node: Element): void } }).htmx;
  htmx?.process(fresh);
  document.dispatchEvent(new CustomEvent("jl:page"));
  const first = fresh.querySelector<HTMLElement>('[aria-invalid="true"], .err');
  (first ?? fresh).focus();
  (first ?? fresh).scrollIntoView({ block: "center" });
}
