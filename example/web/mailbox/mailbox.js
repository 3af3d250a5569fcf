// The page of the mailbox: asks for mails every other second.  What they say is text,
// in which addresses become links.

const SECONDS = 2;
const list = document.getElementById('mails');
let shown = '';

setInterval(show, SECONDS * 1000);
show();

async function show() {
  const answer = await fetch('/mails').catch(() => undefined);
  const text = answer?.ok ? await answer.text() : shown;

  if (text !== shown) {
    shown = text;
    list.replaceChildren(...JSON.parse(text).map(mailItem));
    document.getElementById('empty').hidden = list.childElementCount > 0;
  }
}

function mailItem({ to, subject, text, date }) {
  const item = document.getElementById('mail-template').content.firstElementChild.cloneNode(true);
  const time = item.querySelector('time');

  item.querySelector('.to').textContent = to;
  item.querySelector('.subject').textContent = subject;
  time.textContent = new Date(date).toLocaleTimeString();
  time.dateTime = date;
  item.querySelector('.text').append(...text.trim().split(/(https?:\/\/[^\s]+)/).map((part, i) => (i % 2 ? link(part) : part)));
  return item;
}

function link(address) {
  const anchor = document.createElement('a');

  anchor.href = address;
  anchor.textContent = address;
  return anchor;
}
