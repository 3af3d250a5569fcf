/*-------------------------------------------------------------------------
 *
 * option.h
 *	  Options that administrators write as a JSON object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_OPTION_H
#define JA_OPTION_H

#include "jose/json.h"

/* Most strings of a list, and their longest, in bytes. */
#define JA_OPTION_MAX_STRINGS 64
#define JA_OPTION_MAX_STRING	1024

typedef struct JaStringList
{
	int			count;
	JaString   *strings;
} JaStringList;

/* Reads one option into the structure that its table is for. */
typedef JaStatus (*JaReadOption) (const JsonbValue *value, void *options);

typedef struct JaOptionRow
{
	const char *name;
	JaReadOption read;
	bool		has_column;		/* stored elsewhere */
} JaOptionRow;

typedef struct JaOptionTable
{
	const JaOptionRow *rows;
	size_t		count;
} JaOptionTable;

extern JaString ja_option_text(const JsonbValue *value);
extern JaStatus ja_option_read_string(const JsonbValue *value, size_t longest, JaString *string);
extern JaStatus ja_option_read_strings(const JsonbValue *value, JaStringList *list);
extern JaStatus ja_option_read_uri(const JsonbValue *value, JaString *uri);
extern JaStatus ja_option_read_all(const JaOptionTable *table, const JsonbContainer *json,
								   void *options);
extern Jsonb *ja_option_for_storing(const JaOptionTable *table, const JsonbContainer *json);
extern bool ja_option_lists(const JaStringList *list, JaString string);

#endif							/* JA_OPTION_H */
