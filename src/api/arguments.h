/*-------------------------------------------------------------------------
 *
 * arguments.h
 *	  Arguments of the SQL functions: NULLs refused, varlenas unpacked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ARGUMENTS_H
#define JA_ARGUMENTS_H

#include "fmgr.h"
#include "utils/uuid.h"

#include "jose/keyset.h"

extern void ja_argument_refuse_null(FunctionCallInfo fcinfo, int number);
extern JaString ja_argument_token(FunctionCallInfo fcinfo, int number);
extern JaString ja_argument_credential(FunctionCallInfo fcinfo, int number);
extern JaString ja_argument_text(FunctionCallInfo fcinfo, int number);
extern JaString ja_argument_given_text(FunctionCallInfo fcinfo, int number);
extern JaString ja_argument_optional_text(FunctionCallInfo fcinfo, int number);
extern JaString ja_argument_required_text(FunctionCallInfo fcinfo, int number);
extern JaString ja_argument_label(FunctionCallInfo fcinfo, int number);
extern JaString ja_argument_handle(FunctionCallInfo fcinfo, int number);
extern const char *ja_argument_role(FunctionCallInfo fcinfo, int number);
extern pg_uuid_t ja_argument_uuid(FunctionCallInfo fcinfo, int number);
extern int64 ja_argument_seconds(FunctionCallInfo fcinfo, int number);
extern int64 ja_argument_seconds_within(FunctionCallInfo fcinfo, int number,
										int64 if_null, int64 highest);
extern int64 ja_argument_session_ttl(FunctionCallInfo fcinfo, int number);
extern void ja_argument_warn_unchecked(void);
extern Jsonb *ja_argument_jsonb(FunctionCallInfo fcinfo, int number, JaStatus if_null);
extern JaKeySet *ja_argument_keys(FunctionCallInfo fcinfo, int number);
extern JaKey *ja_argument_key(FunctionCallInfo fcinfo, int number);
extern JaKey *ja_argument_signing_key(FunctionCallInfo fcinfo, int number);
extern const JaAlgorithm *ja_argument_algorithm(FunctionCallInfo fcinfo, int number);

#endif							/* JA_ARGUMENTS_H */
