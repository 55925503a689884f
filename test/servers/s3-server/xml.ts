const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';

/** One element; the content is XML already. Nothing where there is no content. */
export function element(name: string, content: string | number | undefined): string {
  return content === undefined ? '' : `<${name}>${content}</${name}>`;
}

export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]!);
}

export function unescapeText(text: string): string {
  return text.replace(
    /&(amp|lt|gt|quot|apos);/g,
    (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" })[name]!,
  );
}

export function document(name: string, content: string): string {
  return `${DECLARATION}${element(name, content)}`;
}

/** The contents of all elements of that name. */
export function contentsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map((match) => match[1]!);
}
