// What clients are told when something is refused: RFC 6749 5.2 error objects.

// The first row that fits an SQLSTATE counts.
const ANSWERS = [
  { state: /^28J00$/, status: 401, error: 'invalid_token', description: 'the token is invalid' },
  { state: /^28J01$/, status: 401, error: 'invalid_token', description: 'the token has expired' },
  { state: /^28J02$/, status: 401, error: 'invalid_token', description: 'the token is revoked' },
  { state: /^28J03$/, status: 401, error: 'not_authenticated', description: 'a token is needed' },
  { state: /^28J04$/, status: 401, error: 'insufficient_user_authentication', description: 'this needs another proof of who you are' },
  { state: /^42501$/, status: 403, error: 'insufficient_scope', description: 'the token does not permit this' },
  { state: /^23505$/, status: 409, error: 'conflict', description: 'there is one already' },
  { state: /^2[23]/, status: 400, error: 'invalid_request', description: 'a value cannot be used' },
  { state: /^(08|40|53|57|ECONN)/, status: 503, error: 'server_error', description: 'please try again later' },
];

// For WWW-Authenticate (RFC 6750 3).  That of 28J04 says what is needed, and comes
// from the database (RFC 9470).
const CHALLENGES = {
  invalid_token: 'Bearer error="invalid_token"',
  not_authenticated: 'Bearer',
  insufficient_scope: 'Bearer error="insufficient_scope"',
};

export function refuse(response, status, error, description, challenge = CHALLENGES[error]) {
  if (challenge) {
    response.set('WWW-Authenticate', challenge);
  }
  response.status(status).json({ error, error_description: description });
}

// Sends an error object of a function of the database.
export function sendDenial(response, denial) {
  const isThrottled = denial.error === 'temporarily_unavailable';

  if (isThrottled) {
    response.set('Retry-After', String(denial.retry_after));
  }
  response.status(isThrottled ? 429 : 400).json(denial);
}

// Express knows an error handler by its four parameters.  The client is told
// none of the error's own words, which may name tables and values.
export function handleError(error, request, response, next) {
  const answer = ANSWERS.find(({ state }) => state.test(error.code));

  if (response.headersSent) {
    next(error);
  } else if (answer) {
    if (answer.status >= 500) {
      console.error(`${request.method} ${request.path}: ${error.code} ${error.message}`);
    }
    refuse(response, answer.status, answer.error, answer.description, challengeIn(error));
  } else if (error.status >= 400 && error.status < 500) {
    refuse(response, error.status, 'invalid_request', 'the request cannot be read');
  } else {
    console.error(`${request.method} ${request.path}: ${error.code ?? ''} ${error.message}`);
    refuse(response, 500, 'server_error', 'an error occurred');
  }
}

// The detail of 28J04 is the header.
function challengeIn({ code, detail }) {
  return code === '28J04' ? detail.replace('WWW-Authenticate: ', '') : undefined;
}
