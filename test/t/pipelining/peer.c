/*
 * peer.c
 *	  Runs the function of doc/drivers.md with libpq: the arguments after the
 *	  connection string are pairs of token and query; prints a line for each, with
 *	  the first value of the answer or its SQLSTATE.
 */
#include <stdio.h>

#include <libpq-fe.h>

#include "guide.c"

int
main(int argc, char **argv)
{
	PGconn	   *conn = PQconnectdb(argv[1]);

	if (PQstatus(conn) != CONNECTION_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(conn));
		return 1;
	}
	for (int i = 2; i + 1 < argc; i += 2)
	{
		PGresult   *result = query_with_token(conn, argv[i], argv[i + 1], 0, NULL);
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

		if (state != NULL)
			printf("%s\n", state);
		else
			printf("%s\n", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
		PQclear(result);
	}
	PQfinish(conn);
	return 0;
}
