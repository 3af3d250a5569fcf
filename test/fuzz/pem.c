/*-------------------------------------------------------------------------
 *
 * pem.c
 *	  Fuzz targets for PEM text, and for the DER inside of it.
 *
 * The input is the name of an algorithm in the first line and the PEM behind
 * it; or for DER, which mutations hardly reach through base64, the name of
 * an algorithm, the PEM's label, and the DER.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "fuzz.h"
#include "jose/pem.h"

static void
read_pem(JaString algorithm_name, JaString pem)
{
	const JaAlgorithm *algorithm = ja_algorithm_find(algorithm_name);
	JaKey	   *key = NULL;

	if (algorithm == NULL || ja_pem_read(pem, algorithm, &key) != JA_OK)
		return;
	FUZZ_EXPECT(key->algorithm == algorithm);
	fuzz_check_key(key);
}

void
fuzz_pem(const uint8 *data, size_t size,
		 const FuzzKeys *keys pg_attribute_unused())
{
	JaString	rest = {(const char *) data, size};
	JaString	algorithm;

	if (fuzz_next_line(&rest, &algorithm))
		read_pem(algorithm, rest);
}

void
fuzz_der(const uint8 *data, size_t size,
		 const FuzzKeys *keys pg_attribute_unused())
{
	JaString	rest = {(const char *) data, size};
	JaString	algorithm;
	JaString	label;
	BIO		   *text;
	char	   *pem;
	long		length;

	if (!fuzz_next_line(&rest, &algorithm) || !fuzz_next_line(&rest, &label))
		return;
	text = BIO_new(BIO_s_mem());
	PEM_write_bio(text, pnstrdup(label.data, label.length), "",
				  (const unsigned char *) rest.data, (long) rest.length);
	length = BIO_get_mem_data(text, &pem);
	read_pem(algorithm, (JaString) {pnstrdup(pem, length), length});
	BIO_free(text);
	/* OpenSSL keeps an error for each label and DER that makes no PEM. */
	ERR_clear_error();
}
