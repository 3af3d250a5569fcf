// The panel with the key of a new authenticator app, which waits for its first code.

import { byId, onSubmit } from './page.js';

const SVG = 'http://www.w3.org/2000/svg';

// The button that opened the panel, and what the code is for
let opener;
let useCode;

export function startAuthenticator() {
  onSubmit('authenticator-form', ({ elements }) => useCode(elements.code.value.replaceAll(' ', '')));
  byId('authenticator-cancel').addEventListener('click', hideAuthenticator);
}

// Shows the key in the card of a button; work(code) sends the first code of the app.
export function showAuthenticator(button, { qr, secret }, work) {
  const form = byId('authenticator-form');

  hideAuthenticator();
  opener = button;
  useCode = work;
  byId('qr').replaceChildren(drawing(qr));
  byId('secret').textContent = secret.match(/.{1,4}/g).join(' ');
  button.closest('.card').append(form);
  form.hidden = false;
  form.elements.code.focus();
}

// What is shown once does not stay for whoever comes next.
export function hideAuthenticator() {
  const form = byId('authenticator-form');

  useCode = undefined;
  form.hidden = true;
  form.reset();
  for (const part of [byId('qr'), byId('secret'), form.querySelector('.error')]) {
    part.replaceChildren();
  }
  opener?.focus();
  opener = undefined;
}

// The squares of a QR code on white, in dark colour schemes, too.
function drawing({ size, path }) {
  const svg = document.createElementNS(SVG, 'svg');
  const squares = document.createElementNS(SVG, 'path');

  svg.setAttribute('viewBox', `-4 -4 ${size + 8} ${size + 8}`);
  svg.setAttribute('role', 'img');
  svg.ariaLabel = 'QR code with the key below';
  squares.setAttribute('d', path);
  svg.append(squares);
  return svg;
}
