/*-------------------------------------------------------------------------
 *
 * email_form.h
 *	  The one form in which an e-mail address is compared.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_EMAIL_FORM_H
#define JA_EMAIL_FORM_H

#include "account/identifier_form.h"

extern JaStatus ja_email_form(JaString text, JaCanonical *canonical);
extern bool ja_email_is_written_plainly(JaString text, const JaCanonical *canonical);

#endif							/* JA_EMAIL_FORM_H */
