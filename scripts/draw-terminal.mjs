// draw-terminal.mjs TYPESCRIPT FOLDER : prints an SVG of what a terminal shows at the end of a recording by script(1).
// FOLDER, a temporary one, is shown as ~.
import { readFile } from 'node:fs/promises';

const [typescript, folder] = process.argv.slice(2);
const text = (await readFile(typescript, 'utf8')).replaceAll(folder, '~');
const lines = text
  .split('\n')
  .filter((line) => !/^Script (started|done)/.test(line))
  .map(showLine)
  .map((line) => (line.length > 118 ? `${line.slice(0, 117)}…` : line));
while (lines.at(-1) === '') lines.pop();

const lineHeight = 18;
const width = 1000;
const height = lines.length * lineHeight + 32;
const rows = lines.map((line, index) => {
  const fill = line.startsWith('$ ') ? '#7ee787' : '#e6edf3';
  const y = 28 + index * lineHeight;
  return `  <text x="16" y="${y}" fill="${fill}" xml:space="preserve">${escape(line)}</text>`;
});
console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">
  <title>kheaders on a virtual phone, from a real run (scripts/record)</title>
  <rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
${rows.join('\n')}
</svg>`);

/** What is left of a line after carriage returns and erasures, without colours. */
function showLine(line) {
  const visible = line.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  return visible.replace(/\u001b\[[\d;]*[A-Za-z]/g, '');
}

function escape(line) {
  return line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
