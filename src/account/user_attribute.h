/*-------------------------------------------------------------------------
 *
 * user_attribute.h
 *	  What an admin may give a user: roles and passwords.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_USER_ATTRIBUTE_H
#define JA_USER_ATTRIBUTE_H

#include "password/new_password.h"
#include "store/value.h"

extern JaStatus ja_user_attribute_judge_role(const char *role);
extern void ja_user_attribute_check_role(const char *role);
extern JaValue ja_user_attribute_role(const char *role);
extern void ja_user_attribute_hash(JaStrings names, JaString password, JaNewPassword *hashed);

#endif							/* JA_USER_ATTRIBUTE_H */
