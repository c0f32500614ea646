// Ink on a canvas. Whose it is can be told without colour: each hand has a line of its own.
import { getStroke } from "perfect-freehand";
import { GRID, Ink, type Stroke } from "./ink";

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

interface Style {
  colour: string;
  dash: number[]; // in widths of the line
}

// First the two of the design language (expert, operator), then two for whoever comes after.
export const STYLES: Style[] = [
  { colour: "#ffd84d", dash: [] },
  { colour: "#5ee0f0", dash: [0.01, 2.4] },
  { colour: "#ff9ecb", dash: [3, 2] },
  { colour: "#b7f07a", dash: [3, 1.6, 0.01, 1.6] },
];
const HALO = "rgba(5,7,7,.6)";

/** The part of an element that a picture of another shape covers (object-fit: contain). */
export function fitted(width: number, height: number, pictureW: number, pictureH: number): Box {
  const scale = Math.min(width / (pictureW || width), height / (pictureH || height));
  const [w, h] = [(pictureW || width) * scale, (pictureH || height) * scale];
  return { x: (width - w) / 2, y: (height - h) / 2, w, h };
}

export function paint(context: CanvasRenderingContext2D, box: Box, strokes: Stroke[], styleOf: (seat: string) => Style, at: number): void {
  for (const stroke of strokes) {
    context.globalAlpha = Ink.strength(stroke, at);
    if (context.globalAlpha > 0) one(context, box, stroke, styleOf(stroke.seat));
  }
  context.globalAlpha = 1;
}

function one(context: CanvasRenderingContext2D, box: Box, stroke: Stroke, style: Style): void {
  const points: [number, number][] = [];
  for (let i = 0; i + 1 < stroke.p.length; i += 2) {
    points.push([box.x + (stroke.p[i] / GRID) * box.w, box.y + (stroke.p[i + 1] / GRID) * box.h]);
  }
  const width = Math.max(3, box.w / 190);
  context.lineCap = context.lineJoin = "round";
  if (stroke.tool === "pen" && !style.dash.length) {
    freehand(context, points, width, style.colour);
  } else {
    const path = shape(stroke.tool, points, width);
    line(context, path, width * 1.9, HALO, []);
    line(context, path, width, style.colour, style.dash.map((n) => n * width));
  }
  if (stroke.label) label(context, box, points[0], stroke.label, style.colour, width);
}

function freehand(context: CanvasRenderingContext2D, points: [number, number][], width: number, colour: string): void {
  const outline = getStroke(points, { size: width * 1.25, thinning: 0.25, smoothing: 0.5, streamline: 0.3, simulatePressure: true, last: true });
  const path = new Path2D();
  outline.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
  context.lineWidth = width * 0.8;
  context.strokeStyle = HALO;
  context.setLineDash([]);
  context.stroke(path);
  context.fillStyle = colour;
  context.fill(path);
}

function shape(tool: Stroke["tool"], points: [number, number][], width: number): Path2D {
  const path = new Path2D();
  const [a, b] = [points[0], points[points.length - 1]];
  if (tool === "circle") {
    path.ellipse((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, Math.abs(b[0] - a[0]) / 2 || 1, Math.abs(b[1] - a[1]) / 2 || 1, 0, 0, Math.PI * 2);
    return path;
  }
  if (tool === "pen") {
    points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    return path;
  }
  path.moveTo(...a);
  path.lineTo(...b);
  if (tool === "arrow") {
    const angle = Math.atan2(b[1] - a[1], b[0] - a[0]);
    const head = width * 6;
    for (const side of [-0.5, 0.5]) {
      path.moveTo(...b);
      path.lineTo(b[0] - head * Math.cos(angle + side), b[1] - head * Math.sin(angle + side));
    }
  }
  return path;
}

function line(context: CanvasRenderingContext2D, path: Path2D, width: number, colour: string, dash: number[]): void {
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.setLineDash(dash);
  context.stroke(path);
  context.setLineDash([]);
}

function label(context: CanvasRenderingContext2D, box: Box, at: [number, number], text: string, colour: string, width: number): void {
  const size = Math.max(14, width * 4);
  context.font = `700 ${size}px sans-serif`;
  const wide = context.measureText(text).width + size;
  const x = Math.min(Math.max(at[0], box.x), box.x + box.w - wide);
  const y = Math.max(at[1] - size * 2, box.y);
  context.fillStyle = "rgba(5,7,7,.85)";
  context.fillRect(x, y, wide, size * 1.7);
  context.fillStyle = colour;
  context.fillText(text, x + size / 2, y + size * 1.2);
}
