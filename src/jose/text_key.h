/*-------------------------------------------------------------------------
 *
 * text_key.h
 *	  The HMAC key that is a text of any length, as pgjwt takes it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TEXT_KEY_H
#define JA_TEXT_KEY_H

#include "jose/key.h"

extern JaStatus ja_text_key_get(JaString secret, const JaAlgorithm *algorithm, JaKey **key);

#endif							/* JA_TEXT_KEY_H */
