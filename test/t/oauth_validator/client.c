/*
 * client.c
 *	  Connects with a bearer token, and runs statements: the arguments are the
 *	  connection string, the token and the statements.  Prints a line for each,
 *	  with the first value of the answer or its SQLSTATE, or "refused" if there
 *	  is no connection.
 */
#include <stdio.h>

#include <libpq-fe.h>

static char *token;

/* Hands out the token at once, as PostgreSQL's documentation of libpq allows. */
static int
give_token(PGauthData type, PGconn *conn, void *data)
{
	(void) conn;
	if (type != PQAUTHDATA_OAUTH_BEARER_TOKEN)
		return 0;
	((PGoauthBearerRequest *) data)->token = token;
	return 1;
}

int
main(int argc, char **argv)
{
	PGconn	   *conn;

	token = argv[2];
	PQsetAuthDataHook(give_token);
	conn = PQconnectdb(argv[1]);
	if (PQstatus(conn) != CONNECTION_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(conn));
		puts("refused");
		return 1;
	}
	for (int i = 3; i < argc; i++)
	{
		PGresult   *result = PQexec(conn, argv[i]);
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

		if (state == NULL)
			state = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
		puts(state);
		PQclear(result);
	}
	PQfinish(conn);
	return 0;
}
