// Who is signed in, and requests in their name.
//
// The access token is in this module's memory only, and is gone when the page
// is closed or loaded anew.  The refresh token is in a cookie that no script can
// read; the browser sends it to /api/auth/refresh, which answers with a new
// access token.  What a token says is the server's affair: nothing here looks inside.

export class Refusal extends Error {
  constructor(status, body, retryAfter) {
    super(body.error_description ?? `status ${status}`);
    Object.assign(this, { status, code: body.error, retryAfter });
  }
}

// Thrown by request() when the session is over.
export class SessionEnded extends Error {}

// Fires "token" whenever there is a new access token.
export const events = new EventTarget();

// Other tabs have the same cookie: when somebody signs in or out in one, the
// others start anew.
const tabs = new BroadcastChannel('session');
tabs.onmessage = () => location.reload();

let accessToken;
let renewal;

export async function signIn(username, password) {
  keep(await alone(() => send('POST', '/api/auth/login', { body: { username, password } })));
  tabs.postMessage('signed in');
}

// scope: local, others or global.  A session that is over needs no end.
export async function signOut(scope) {
  try {
    await request('POST', '/api/logout', { scope });
  } catch (error) {
    if (!(error instanceof SessionEnded)) {
      throw error;
    }
  }
  if (scope !== 'others') {
    accessToken = undefined;
    tabs.postMessage('signed out');
  }
}

// A request with the access token.  One that has expired is renewed, and the
// request sent again.
export async function request(method, path, body) {
  const token = accessToken;

  try {
    return await send(method, path, { body, token });
  } catch (error) {
    if (error.status !== 401) {
      throw error;
    }
  }

  // Another request may have renewed it in the meantime.
  if (token === accessToken) {
    await renew();
  }
  try {
    return await send(method, path, { body, token: accessToken });
  } catch (error) {
    throw error.status === 401 ? new SessionEnded() : error;
  }
}

// Gets an access token for the cookie.  Requests that find theirs expired at
// the same time share one renewal.
export function renew() {
  renewal ??= alone(() => send('POST', '/api/auth/refresh'))
    .then((answer) => {
      // There is no cookie.
      if (!answer) {
        throw new SessionEnded();
      }
      keep(answer);
    })
    .catch((error) => {
      throw error.status === 400 ? new SessionEnded() : error;
    })
    .finally(() => { renewal = undefined; });
  return renewal;
}

// Of all tabs one at a time asks for a cookie, so that no older answer replaces
// a newer one.
function alone(work) {
  return navigator.locks ? navigator.locks.request('cookie', work) : work();
}

function keep({ access_token: token, expires_in: seconds }) {
  accessToken = token;
  events.dispatchEvent(new CustomEvent('token', { detail: { seconds } }));
}

async function send(method, path, { body, token } = {}) {
  const headers = {};

  if (token) {
    headers.Authorization = `Bearer ${token}`;
  }
  if (body) {
    headers['Content-Type'] = 'application/json';
  }
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });

  if (response.status === 204) {
    return undefined;
  }
  const answer = await response.json();

  if (!response.ok) {
    throw new Refusal(response.status, answer, Number(response.headers.get('Retry-After')));
  }
  return answer;
}
