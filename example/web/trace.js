// What the panel "under the hood" shows: the statements that a request sent to the
// database, as whom, and what came of them.  They go to the page in a header of the
// answer.  No password, token or code does: values are hidden unless they are known to
// be harmless.

import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';

export const HEADER = 'Under-The-Hood';

// Numbers, ids and the words of our own interface
const HARMLESS = /^(\d{1,5}|true|false|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|local|others|global|webauthn|totp|recovery_code|Bearer|example-id)$/;

// Statements that take what somebody types as a secret: it may look harmless.
const DELICATE = /login|password|sign_up|recover|refresh|token|totp|accept|confirm|undo/;

// How tokens begin says what they are, and nothing else.
const KNOWN_BEGINNING = /^(Bearer eyJ|Bearer |eyJ|ja[a-z]_)/;

// Members of answers that are told as they are, and claims that are told at all
const TOLD = ['error', 'error_description', 'status', 'expires_in', 'refresh_expires_in', 'retry_after'];
const CLAIMS = ['role', 'tenant', 'scope', 'aal', 'exp'];

// Errors whose message names no value
const SILENT = /^(28J0|42501$)/;

const requests = new AsyncLocalStorage();

// Sends the statements of each request along with its answer.
export function traceRequests(request, response, next) {
  const statements = [];
  const { writeHead } = response;

  response.writeHead = (...options) => {
    if (statements.length > 0) {
      response.set(HEADER, encodeURIComponent(JSON.stringify(describe(statements))));
    }
    return writeHead.apply(response, options);
  };
  requests.run(statements, next);
}

// A connection that takes note of its statements.  Where auto_explain sends plans as
// notices, they say which rows the policies let through.
export class TracedClient extends pg.Client {
  #current = [];

  constructor(options) {
    super(options);
    this.on('notice', ({ message }) => this.#takePlan(message));
  }

  query(sql, values) {
    const statement = { sql, values: values ?? [], user: this.user };

    this.#current = sql === 'BEGIN' ? [statement] : [...this.#current, statement];
    requests.getStore()?.push(statement);
    return super.query(sql, values).then((result) => {
      statement.result = result;
      return result;
    }, (error) => {
      statement.error = error;
      throw error;
    });
  }

  #takePlan(message) {
    const [, json] = /^duration: .* plan:\n([^]*)/.exec(message) ?? [];
    const { 'Query Text': sql, Plan: plan } = json ? JSON.parse(json) : {};
    const statement = this.#current.findLast((each) => each.sql === sql);

    if (statement) {
      statement.plan = plan;
    }
  }
}

// A token that is accepted gives the statements behind it its role.
function describe(statements) {
  let role;

  return statements.map(({ sql, values, user, result, error, plan }) => {
    if (sql === 'BEGIN') {
      role = user;
    }
    const description = {
      sql,
      values: values.map((value) => conceal(value, DELICATE.test(sql))),
      role,
      state: error?.code ?? '00000',
      message: SILENT.test(error?.code) ? error.message : undefined,
      command: result?.command,
      rows: result?.rowCount ?? undefined,
      answer: answerOf(result),
      scans: plan && scansIn(plan),
    };

    if (/^SELECT jwt_authenticate\(/.test(sql) && values[1] && result) {
      ({ role } = result.rows[0].jwt_authenticate);
    }
    return description;
  });
}

// Lists and objects may be nested too deeply to become a text.
function conceal(value, isDelicate = false) {
  if (value === null) {
    return 'null';
  }
  const text = typeof value === 'object' ? '' : String(value);

  return HARMLESS.test(text) && !isDelicate ? text : `${KNOWN_BEGINNING.exec(text)?.[0] ?? ''}•••`;
}

// What a function answered, where that is an object
function answerOf(result) {
  const [[name, answer], ...others] = Object.entries(result?.rows[0] ?? { none: null });

  if (others.length > 0 || answer?.constructor !== Object) {
    return undefined;
  }
  return Object.fromEntries(name === 'jwt_authenticate'
    ? Object.entries(answer).filter(([claim]) => CLAIMS.includes(claim))
    : Object.entries(answer).map(([member, value]) => [member, TOLD.includes(member) ? value : conceal(value)]));
}

// Of each table that a plan reads: how many rows passed, how many did not, and why.
function scansIn({ 'Relation Name': table, Plans: parts = [], ...node }) {
  const scans = parts.flatMap(scansIn);
  const filter = [node['Index Cond'], node['Recheck Cond'], node.Filter].filter(Boolean).join(' AND ');

  return table && 'Actual Rows' in node && filter
    ? [{ table, filter, passed: node['Actual Rows'] * node['Actual Loops'], removed: (node['Rows Removed by Filter'] ?? 0) * node['Actual Loops'] }, ...scans]
    : scans;
}
