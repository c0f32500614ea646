// Words that all parts of a room share; the server's side of them is in jieli/rooms and rules/rooms.

export type Role = "operator" | "expert" | "bedside" | "anaesthesia" | "nurse" | "coordinator" | "learner" | "speaker" | "asking";
export type Source = "field" | "endoscope" | "monitor" | "overview" | "face" | "screen";
export const SOURCES: Source[] = ["field", "endoscope", "monitor", "overview", "face", "screen"];

/** A picture that this page sends. Its id goes with it to every screen, into the log and the recording. */
export interface Feed {
  id: string;
  source: Source;
  track: MediaStreamTrack;
}

/** What a seat says of itself; kept by the server for whoever comes later. */
export interface State {
  mic?: boolean;
  feeds?: { id: string; source: Source }[];
  delay?: number; // milliseconds from the far camera to this screen, middle of the last seconds
  delay95?: number;
  step?: string; // where this page's sending stands on the ladder
  recording?: { seconds: number; behind: number }; // seconds recorded, seconds not yet uploaded
}

export interface SeatInfo {
  seat: string;
  name: string;
  site: string;
  role: Role;
  d: State;
}

/** One line of the room's log, numbered by the server. */
export interface LogLine {
  n: number; // 0 as long as the server has not numbered it
  id: string;
  seat: string;
  kind: "stroke" | "undo" | "clear" | "freeze" | "live" | "kept" | "hand" | "text" | "step";
  feed: string;
  at: number; // milliseconds, the server's time
  d: Record<string, unknown>;
}

export interface Welcome {
  seat: string;
  role: Role;
  engine: "mesh" | "sfu";
  seats: SeatInfo[];
  ice: RTCIceServer[];
  s: number;
  last: number;
  names: Record<string, string>; // seat → whose it is or was
}
