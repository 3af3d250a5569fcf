/*-------------------------------------------------------------------------
 *
 * inspection.c
 *	  What is set up wrongly or weakly: goes through the lists.
 *
 * Nothing is written or locked, so that it runs on standbys, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/status.h"
#include "inspect/inspection.h"
#include "store/hook.h"

#define COLUMNS 4

static const char *const severity_names[JA_SEVERITIES] = {
	[JA_SEVERITY_ERROR] = "error",
	[JA_SEVERITY_WARNING] = "warning",
	[JA_SEVERITY_NOTICE] = "notice",
};

static JaInspection *const lists[] = {
	ja_inspect_setup, ja_inspect_settings, ja_inspect_roles, ja_inspect_tables
};

/* Where findings go. */
typedef struct Findings
{
	Tuplestorestate *rows;
	TupleDesc	row_type;
} Findings;

static void
put_finding(const Findings *findings, const JaInspection *inspection, const char *object)
{
	Datum		values[COLUMNS] = {
		CStringGetTextDatum(severity_names[inspection->severity]),
		CStringGetTextDatum(inspection->finding),
		CStringGetTextDatum(object),
		CStringGetTextDatum(inspection->remedy)
	};
	bool		nulls[COLUMNS] = {false};

	tuplestore_putvalues(findings->rows, findings->row_type, values, nulls);
}

static void
run_list(JaInspection *list, JaSeverity severity, JaValues values, const Findings *findings)
{
	for (JaInspection *inspection = list; inspection->finding != NULL; inspection++)
	{
		uint64		count;

		if (inspection->severity != severity)
			continue;
		count = ja_plan_run(&inspection->objects, values);
		for (uint64 i = 0; i < count; i++)
			put_finding(findings, inspection, ja_plan_string(i, 1).data);
	}
}

/* Hooks that could not be called, with what the caller would read. */
static void
judge_hooks(const Findings *findings)
{
	for (int hook = 0; hook < JA_HOOKS; hook++)
	{
		const char *setting;
		JaStatus	status = ja_hook_judge(hook, &setting);
		const JaStatusRow *row = ja_status_row(status);

		if (status != JA_OK)
			put_finding(findings, &(JaInspection)
						{
							.severity = JA_SEVERITY_ERROR,
							.finding = row->message, .remedy = row->hint
						}, setting);
	}
}

/*
 * Finds the keys that open connections; false if none are to, or none can, which is a
 * finding.
 */
static bool
find_connection_kids(const Findings *findings, JaConnectionKids *kids)
{
	JaInspection unusable;
	const char *setting;

	if (!ja_inspect_connections_are_configured())
		return false;
	if (ja_inspect_connection_kids(kids, &unusable, &setting) == JA_OK)
		return true;
	put_finding(findings, &unusable, setting);
	return false;
}

/* Adds a row for each finding, errors first. */
void
ja_inspect(Tuplestorestate *rows, TupleDesc row_type)
{
	Findings	findings = {rows, row_type};
	JaConnectionKids kids;
	bool		has_kids;
	JaPlanScope scope;

	ja_plan_begin(&scope);
	judge_hooks(&findings);
	has_kids = find_connection_kids(&findings, &kids);
	for (int severity = 0; severity < JA_SEVERITIES; severity++)
	{
		for (size_t i = 0; i < lengthof(lists); i++)
			run_list(lists[i], severity, JA_NO_VALUES, &findings);
		if (has_kids)
			run_list(ja_inspect_connection_keys, severity,
					 JA_VALUES(ja_array(TEXTARRAYOID, kids.kids), ja_bool(kids.is_cut)), &findings);
	}
	ja_plan_end(&scope);
}
