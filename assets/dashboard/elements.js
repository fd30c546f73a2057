// Everything that is shown goes through here as text: no string of a receipt ever becomes markup.

/** Characters that are not seen, or that turn the text around them, are shown by their number. */
export function visible(text) {
  return String(text).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u{${char.codePointAt(0).toString(16).padStart(4, '0')}}`,
  );
}

/**
 * @param {string} name
 * @param {string | Record<string, string>} [marks] class, or attributes by name
 * @param {...(Node | string | null | undefined)} children texts become text nodes
 */
export function element(name, marks = '', ...children) {
  const made = document.createElement(name);
  if (typeof marks === 'string') made.className = marks;
  else for (const [attribute, value] of Object.entries(marks)) made.setAttribute(attribute, value);
  for (const child of children) {
    if (child === null || child === undefined) continue;
    made.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
  return made;
}

/** A text that somebody else chose, kept apart from the direction of what surrounds it. */
export const foreign = (text) => element('bdi', '', text ?? '–');

/** @param {{label: string, number?: boolean}[]} columns */
export function table(caption, columns, rows) {
  const kind = (index) => (columns[index].number ? 'number' : '');
  const head = columns.map(({ label }, n) => element('th', { scope: 'col', class: kind(n) }, label));
  const body = rows.map((row) =>
    element('tr', '', ...row.map((cell, n) => element('td', kind(n), cell instanceof Node ? cell : foreign(cell)))),
  );
  return element(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    element(
      'table',
      '',
      element('caption', '', caption),
      element('thead', '', element('tr', '', ...head)),
      element('tbody', '', ...body),
    ),
  );
}
