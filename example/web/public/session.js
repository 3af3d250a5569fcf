// Who is signed in, and requests in their name.
//
// The access token is in this module's memory only, and is gone when the page
// is closed or loaded anew.  The refresh token is in a cookie that no script can
// read; the browser sends it to /api/auth/refresh, which answers with a new
// access token.  What a token says is the server's affair: nothing here looks inside.

const INSUFFICIENT = 'insufficient_user_authentication';

export class Refusal extends Error {
  constructor({ status, headers }, body) {
    super(body.error_description ?? `status ${status}`);
    Object.assign(this, {
      status,
      code: body.error,
      body,
      retryAfter: Number(headers.get('Retry-After')),
      needsFactor: /acr_values="aal2"/.test(headers.get('WWW-Authenticate')),
    });
  }
}

// Thrown by request() when the session is over.
export class SessionEnded extends Error {}

// Thrown by signIn() and request() when nobody answers a challenge.
export class Cancelled extends Error {}

// Fires "token" whenever there is a new access token, "ended" when the page finds that
// the session is over, "acted" when acting as somebody else has come to its end, and
// "answered" with the statements that a request took.
export const events = new EventTarget();

// Other tabs have the same cookie: when somebody signs in or out in one, the
// others start anew.
const tabs = new BroadcastChannel('session');
tabs.onmessage = () => location.reload();

let accessToken;

// The own one of an administrator who acts as somebody else
let ownToken;
let renewal;
let lift;

// How often the session was lifted
let lifts = 0;
let askForFactor;
let askToEnroll;

// work({ mfa_token, factors }, submit) asks for a second factor, and ends when
// submit({ mfa_token, method, response }) has succeeded.
export function onChallenge(work) {
  askForFactor = work;
}

// work({ mfa_token }, submit) has the first factor added, and ends when submit(way,
// { mfa_token, ... }) has succeeded.
export function onEnrollment(work) {
  askToEnroll = work;
}

// way: login with { username, password }, or passkey with { credential }.  Resolves to
// what was answered, unless a challenge was.
export async function signIn(way, proof) {
  let answer;

  try {
    answer = await obtain(way, proof);
  } catch (error) {
    if (error.code === 'mfa_required') {
      await askForFactor(error.body, (answer) => obtain('second-factor', answer));
    } else if (error.code === 'mfa_enrollment_required') {
      await askToEnroll(error.body, (way, answer) => obtain(`enrollment/${way}`, answer));
    } else {
      throw error;
    }
  }
  tabs.postMessage('signed in');
  return answer;
}

async function obtain(way, proof) {
  const answer = await alone(() => send('POST', `/api/auth/${way}`, { body: proof }));

  // A new password begins no session.
  if (answer.access_token) {
    keep(answer);
  }
  return answer;
}

// Lifts the session to the level that a refusal asks for.  Requests that are refused
// at the same time share one proof.
function stepUp(refusal) {
  lift ??= askForProof(refusal).finally(() => { lift = undefined; });
  return lift;
}

async function askForProof(refusal) {
  let challenge;

  try {
    challenge = await requestAsIs('POST', '/api/step-up');
  } catch (error) {
    error.code = ownToken ? 'user_needed' : refusal.needsFactor ? 'second_factor_needed' : 'sign_in_needed';
    throw error;
  }
  await askForFactor(challenge, (answer) => obtain('step-up', answer));
  lifts += 1;
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
    forgetTokens();
    tabs.postMessage('signed out');
  }
}

// Sends requests in the name of somebody else, with an access token for that.
export function actAs(answer) {
  ownToken = accessToken;
  keep(answer);
}

// The page is the administrator's again, as it would be after it was loaded anew.
export async function actNoMore() {
  if (ownToken) {
    await requestAsIs('POST', '/api/logout', { scope: 'local' }).catch(() => {});
    accessToken = ownToken ?? accessToken;
    ownToken = undefined;
  }
  await renew();
}

// A request with the access token.  If it needs more proof of who it is, the user is
// asked for that, unless it came meanwhile, and the request sent again.
export async function request(method, path, body) {
  const before = lifts;

  try {
    return await requestAsIs(method, path, body);
  } catch (error) {
    if (error.code !== INSUFFICIENT) {
      throw error;
    }
    if (before === lifts) {
      await stepUp(error);
    }
  }
  return requestAsIs(method, path, body);
}

// A token that has expired is renewed, and the request sent again.
async function requestAsIs(method, path, body) {
  const token = accessToken;
  const isActing = Boolean(ownToken);

  try {
    return await send(method, path, { body, token });
  } catch (error) {
    if (!isOver(error)) {
      throw error;
    }
  }

  // Acting as somebody else is over, and not renewed.  What was to be done in that name
  // is not done in the own one.
  if (isActing) {
    await renew();
    if (ownToken) {
      ownToken = undefined;
      events.dispatchEvent(new Event('acted'));
    }
    throw new Cancelled();
  }

  // Another request may have renewed it in the meantime.
  if (token === accessToken) {
    await renew();
  }
  try {
    return await send(method, path, { body, token: accessToken });
  } catch (error) {
    throw isOver(error) ? sessionEnded() : error;
  }
}

function sessionEnded() {
  forgetTokens();
  return new SessionEnded();
}

// Whoever signs in next does not act as somebody else.
function forgetTokens() {
  accessToken = undefined;
  ownToken = undefined;
}

// Whether a token is refused, rather than what it was to do.
function isOver(error) {
  return error.status === 401 && error.code !== INSUFFICIENT;
}

// Gets an access token for the cookie.  Requests that find theirs expired at
// the same time share one renewal.
export function renew() {
  renewal ??= alone(() => send('POST', '/api/auth/refresh'))
    .then((answer) => {
      // There is no cookie.
      if (!answer) {
        throw sessionEnded();
      }
      keep(answer);
    })
    .catch((error) => {
      throw error.status === 400 ? sessionEnded() : error;
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

// A request as it is
export async function send(method, path, { body, token } = {}) {
  const headers = {};

  if (token) {
    headers.Authorization = `Bearer ${token}`;
  }
  if (body) {
    headers['Content-Type'] = 'application/json';
  }
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const statements = response.headers.get('Under-The-Hood');

  if (statements) {
    events.dispatchEvent(new CustomEvent('answered', {
      detail: { method, path, status: response.status, statements: JSON.parse(decodeURIComponent(statements)) },
    }));
  }

  if (response.status === 204) {
    return undefined;
  }
  const answer = await response.json();

  if (!response.ok) {
    throw new Refusal(response, answer);
  }
  return answer;
}
