/*-------------------------------------------------------------------------
 *
 * pem_text.h
 *	  PEM text as environment variables and indented files carry it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PEM_TEXT_H
#define JA_PEM_TEXT_H

#include "base/string.h"

extern bool ja_pem_text_is_pem(JaString text);
extern bool ja_pem_text_is_encrypted(JaString text);
extern JaString ja_pem_text_lay_out(JaString text);

#endif							/* JA_PEM_TEXT_H */
