// What protects the HTTP interface: headers, the cookie, and checks of requests.

import helmet from 'helmet';
import { refuse } from './errors.js';

// Scripts and styles come from our own files only, and scripts cannot turn
// text into markup.  Nothing is kept in any cache.
export function securityHeaders() {
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        'img-src': ["'self'"],
        'connect-src': ["'self'"],
        'base-uri': ["'none'"],
        'form-action': ["'none'"],
        'frame-ancestors': ["'none'"],
        'require-trusted-types-for': ["'script'"],
      },
    },
    xFrameOptions: { action: 'deny' },
  });

  return (request, response, next) => {
    response.set('Cache-Control', 'no-store');
    protect(request, response, next);
  };
}

// The cookie goes below one path only.  Behind https it is Secure, and its name
// keeps pages served without https from setting it.
export function refreshCookie(origins, path) {
  const secure = origins.every((origin) => origin.startsWith('https:'));

  return {
    name: secure ? '__Secure-refresh_token' : 'refresh_token',
    options: { httpOnly: true, sameSite: 'strict', secure, path },
  };
}

// Other sites must not sign anybody in or use the cookie.  Browsers send Origin
// with each POST, and no page can change it.
export function allowOrigins(origins) {
  return (request, response, next) => {
    if (origins.includes(request.get('Origin'))) {
      next();
    } else {
      refuse(response, 403, 'invalid_origin', 'this is for our own pages only');
    }
  };
}

export function requireTexts(...names) {
  return requireMembers('texts', names, (value) => typeof value === 'string');
}

// Those that may be left out
export function permitTexts(...names) {
  return requireMembers('texts', names, (value) => value === undefined || typeof value === 'string');
}

export function requireObjects(...names) {
  return requireMembers('objects', names, (value) => value?.constructor === Object);
}

// The body is undefined unless it came as application/json.
function requireMembers(kind, names, isGood) {
  return (request, response, next) => {
    if (names.every((name) => isGood(request.body?.[name]))) {
      next();
    } else {
      refuse(response, 400, 'invalid_request', `JSON with the ${kind} ${names.join(', ')} is expected`);
    }
  };
}

export function allow(methods) {
  return (request, response) => {
    response.set('Allow', methods);
    refuse(response, 405, 'invalid_request', `only ${methods} is allowed here`);
  };
}
