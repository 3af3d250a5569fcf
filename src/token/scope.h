/*-------------------------------------------------------------------------
 *
 * scope.h
 *	  Scopes: lists of words, and the claims that hold them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SCOPE_H
#define JA_SCOPE_H

#include "jose/json.h"

extern bool ja_scope_is_well_formed(JaString list);
extern bool ja_scope_next(JaString *list, JaString *scope);
extern bool ja_scope_find(const JsonbContainer *claims, JaString name, JsonbValue *value);
extern bool ja_scope_holds(const JsonbValue *value, JaString scope);
extern bool ja_scope_covers(const JsonbContainer *claims, JaString list);
extern JaString ja_scope_common(const JsonbContainer *claims, JaString list);

#endif							/* JA_SCOPE_H */
