// Templates: KIND.txt, which begins with the subject, and perhaps KIND.html.  A line
// with a placeholder that has no value is left out.

import { readdirSync, readFileSync } from 'node:fs';

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
const NAME = /^(base_url|token|code|recipient|expires_at|data\.\w+)$/;

export function loadTemplates(directory) {
  const templates = new Map();

  for (const file of readdirSync(directory).sort().reverse()) { // .txt before .html
    const contents = readFileSync(new URL(file, directory), 'utf8');
    const unknown = [...contents.matchAll(PLACEHOLDER)].find(([, name]) => !NAME.test(name));
    const [, kind, type] = /^(\w+)\.(txt|html)$/.exec(file) ?? [];
    const [, subject, text] = /^Subject: ([^{}\n]+)\n\n([^]+)$/.exec(contents) ?? [];
    const template = type === 'html' ? { ...templates.get(kind), html: contents } : { subject, text };

    if (unknown) throw new Error(`${file}: there is no placeholder ${unknown[0]}`);
    if (!kind || !template.text) throw new Error(`${file}: expected KIND.txt with subject and text, or KIND.html beside it`);
    templates.set(kind, template);
  }
  return templates;
}

function fill(template, values, escape) {
  return template?.split('\n')
    .filter((line) => [...line.matchAll(PLACEHOLDER)].every(([, name]) => values[name] !== undefined))
    .map((line) => line.replace(PLACEHOLDER, (_, name) => escape(values[name])))
    .join('\n').replace(/\n{3,}/g, '\n\n');
}

// Data may be what an attacker chose: it becomes one short line, without markup, and
// without what mail programs make a link of.
export function render({ subject, text, html }, { token, code, recipient, expires_at: end, data }, baseUrl) {
  const shorten = (value) => [...String(value).replace(/[\p{C}\p{Z}]+/gu, ' ').replace(/:(?=\/)|\.(?=\p{L})/gu, '$& ')].slice(0, 100).join('');
  const escapeHtml = (value) => value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  const values = { base_url: baseUrl, token, code, recipient, expires_at: `${new Date(end).toISOString().slice(0, 16).replace('T', ' ')} UTC` };

  for (const [name, value] of Object.entries(data ?? {})) values[`data.${name}`] = value === null ? undefined : shorten(value);
  return { subject, text: fill(text, values, String), html: fill(html, values, escapeHtml) };
}
