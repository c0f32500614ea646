// Which parts of a case page a change touches: a note fetches the thread, not the whole page.
// A verb that is not listed fetches every part, so a new verb can never go unseen.
const PARTS = ["head", "clocks", "rings", "timeline", "advice", "situation", "chart", "thread", "outcome", "underway", "guidance"];

const TOUCHED: [RegExp, string[]][] = [
  [/^clock/, ["clocks"]],
  [/^late_reason/, ["clocks"]],
  [/^(ring_|told_silently|list_|person_invited|escalated)/, ["rings"]],
  [/^handover_saved$/, ["situation"]],
  [/^(vitals_observed|document_added|original_added)$/, ["chart"]],
  [/^consent_/, ["chart", "clocks"]],
  [/^temporised/, ["underway", "advice", "clocks"]],
  [/^procedure_/, ["underway", "clocks", "guidance"]],
  [/^(mission_|checklist_)/, ["underway", "clocks"]],
  [/^guidance_/, ["guidance"]],
  [/^room_/, ["head"]],
  [/^note_written$/, ["thread"]],
  [/^outcome_/, ["outcome"]],
  [/^(recordings?_|clip_)/, ["timeline"]],
];

export function partsOf(verb: string): string[] {
  const found = TOUCHED.find(([pattern]) => pattern.test(verb));
  return found ? [...found[1], "timeline"] : PARTS;
}
