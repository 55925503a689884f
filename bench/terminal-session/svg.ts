import type { Span } from './screen.js';

const WIDTH = 8.4;
const HEIGHT = 19;
const MARGIN = 18;
const BAR = 30;

/** Readable on the picture's own dark ground, whatever the page around it. */
const COLOURS = new Map([
  [31, '#ff7b72'],
  [32, '#7ee787'],
  [33, '#e3b341'],
  [36, '#79c0ff'],
]);

/** A terminal's lines as a picture. */
export function terminalSvg(lines: readonly (readonly Span[])[], title: string): string {
  const columns = Math.max(...lines.map((line) => line.reduce((sum, { text }) => sum + text.length, 0)));
  const width = Math.ceil(columns * WIDTH + 2 * MARGIN);
  const height = Math.ceil(lines.length * HEIGHT + BAR + 1.5 * MARGIN);
  const rows = lines.map((line, index) => {
    const y = BAR + MARGIN + (index + 0.5) * HEIGHT;
    return `  <text x="${MARGIN}" y="${y}" xml:space="preserve">${line.map(spanSvg).join('')}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    '  <style>text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e6edf3 }</style>',
    `  <rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map(
      (fill, at) => `  <circle cx="${20 + at * 18}" cy="18" r="6" fill="${fill}"/>`,
    ),
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

function spanSvg({ text, style }: Span): string {
  const colour = [...style].map((code) => COLOURS.get(code)).find((known) => known !== undefined);
  const attributes = [
    ...(colour === undefined ? [] : [`fill="${colour}"`]),
    ...(style.has(1) ? ['font-weight="bold"'] : []),
    ...(style.has(2) ? ['opacity="0.65"'] : []),
  ];
  return attributes.length === 0 ? escaped(text) : `<tspan ${attributes.join(' ')}>${escaped(text)}</tspan>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
