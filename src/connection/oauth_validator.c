/*-------------------------------------------------------------------------
 *
 * oauth_validator.c
 *	  The OAuth validator of PostgreSQL 18 and later: a token opens the
 *	  connection, and becomes the session's default identity.
 *
 * PostgreSQL calls this while it authenticates a client: in a transaction, but
 * before a database and its settings and tables are there.  Whatever cannot be
 * decided here is refused.  An error ends the connection and nothing else.
 *
 * The client learns only that it is refused; why stands in the server log,
 * which never shows a token or a claim.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"

#ifdef JA_HAS_OAUTH_VALIDATORS

/* struct Port is laid out alike without GSSAPI, whose headers may be missing. */
#undef ENABLE_GSS

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_database.h"
#include "libpq/hba.h"
#include "libpq/libpq-be.h"
#include "libpq/oauth.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "connection/bearer.h"
#include "connection/login_role.h"
#include "identity/token_setting.h"

static JaString
text_of(const char *text)
{
	return (JaString) {text, strlen(text)};
}

/*
 * The database of that name; InvalidOid if there is none.  No index can be opened
 * before a database is chosen, unless the server has kept what it is like in a file,
 * so that get_database_oid() would end the connection now and then.
 */
static Oid
find_database(const char *name)
{
	Relation	catalog = table_open(DatabaseRelationId, AccessShareLock);
	Oid			found = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_pg_database_datname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	scan = systable_beginscan(catalog, DatabaseNameIndexId, criticalSharedRelcachesBuilt,
							  NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		found = ((Form_pg_database) GETSTRUCT(row))->oid;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/*
 * Where the line leaves it to the token who connects as what, the token must
 * name the requested role.  Else pg_ident.conf decides, by its sub.
 */
static JaBearerRule
rule_of_line(const HbaLine *line, const char *role)
{
	JaBearerRule rule = {
		.issuer = text_of(line->oauth_issuer),
		.scope = text_of(line->oauth_scope),
		.database = find_database(MyProcPort->database_name)
	};

	if (line->oauth_skip_usermap)
		rule.role = text_of(role);
	return rule;
}

/*
 * Claims are UTF-8, and there is no database yet whose encoding could be
 * another: until then, it is that of SQL_ASCII, which refuses \u escapes.
 */
static JaStatus
verify_as_utf8(const char *token, const JaBearerRule *rule, JaString *subject)
{
	int			encoding = GetDatabaseEncoding();
	JaStatus	status;

	SetDatabaseEncoding(PG_UTF8);
	status = ja_bearer_verify(text_of(token), rule, subject);
	SetDatabaseEncoding(encoding);
	return status;
}

/*
 * Has the token set as if it were the connection's last option, which
 * PostgreSQL does once the database is chosen.  So it is what RESET returns to,
 * and no option of the client's own replaces it.
 */
static void
make_default_identity(const char *token)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	List	   *options = MyProcPort->guc_options;

	options = lappend(options, pstrdup(JA_TOKEN_SETTING));
	MyProcPort->guc_options = lappend(options, pstrdup(token));
	MemoryContextSwitchTo(caller);
}

/* Says why, and to the operator what to do, but not what holders of tokens are told. */
static void
log_refused_connection(JaStatus status)
{
	const JaStatusRow *row = ja_status_row(status);
	bool		is_operators = row->sqlstate == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;

	ereport(LOG_SERVER_ONLY,
			(errmsg("jwt_auth: connection refused: %s",
					row->reason != NULL ? row->reason : row->message),
			 is_operators ? errhint("%s", row->hint) : 0));
}

static bool
validate(const ValidatorModuleState *state pg_attribute_unused(), const char *token,
		 const char *role, ValidatorModuleResult *result)
{
	JaBearerRule rule = rule_of_line(MyProcPort->hba, role);
	JaString	subject;
	JaStatus	status = verify_as_utf8(token, &rule, &subject);

	if (status == JA_OK)
		status = ja_login_role_check(role);
	if (status != JA_OK)
	{
		log_refused_connection(status);
		return true;
	}
	make_default_identity(token);
	result->authn_id = pnstrdup(subject.data, subject.length);
	result->authorized = true;
	return true;
}

static const OAuthValidatorCallbacks callbacks = {
	.magic = PG_OAUTH_VALIDATOR_MAGIC,
	.validate_cb = validate
};

const OAuthValidatorCallbacks *
_PG_oauth_validator_module_init(void)
{
	return &callbacks;
}

#endif							/* JA_HAS_OAUTH_VALIDATORS */
