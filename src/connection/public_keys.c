/*-------------------------------------------------------------------------
 *
 * public_keys.c
 *	  The file with the public keys of tokens that open connections.
 *
 * While a connection is authenticated no table of a database can be read.  Where
 * no worker is to publish keys, the operator writes jwt_jwks() to a file.  Anyone
 * may read it, and only the server's user and root may write it.  What must hold of the file is checked
 * on the opened descriptor; symbolic links are followed.
 *
 * The file is read for each connection, so that a new one acts at once, and
 * one that is half written opens nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"

#include "base/settings.h"
#include "connection/public_keys.h"

bool
ja_public_keys_are_configured(void)
{
	return ja_settings_text(ja_settings.oauth_jwks_file).data != NULL;
}

static JaStatus
check_file(int file, size_t *size)
{
	struct stat status;

	if (fstat(file, &status) != 0)
		return JA_JWKS_FILE_OPEN;
	if (!S_ISREG(status.st_mode) || status.st_size > JA_MAX_KEYSET_SIZE)
		return JA_JWKS_FILE_KIND;
	if ((status.st_uid != geteuid() && status.st_uid != 0) ||
		(status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return JA_JWKS_FILE_RIGHTS;
	*size = status.st_size;
	return JA_OK;
}

/* Reads the whole file into the current memory context. */
static JaStatus
read_file(uint8 **text, size_t *length)
{
	const char *path = ja_settings.oauth_jwks_file;
	JaStatus	status;
	int			file;

	if (!is_absolute_path(path))
		return JA_JWKS_FILE_PATH;
	file = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		return JA_JWKS_FILE_OPEN;
	status = check_file(file, length);
	if (status == JA_OK)
	{
		*text = palloc(*length + 1);
		if (read(file, *text, *length) != (ssize_t) *length)
			status = JA_JWKS_FILE_OPEN;
	}
	CloseTransientFile(file);
	return status;
}

/* Whether a key is such as jwt_jwks() publishes: public, with a kid and one algorithm. */
bool
ja_public_keys_may_hold(const JaKey *key)
{
	return key->type->kind != JA_OCT && !key->is_private &&
		key->kid.data != NULL && key->algorithm != NULL;
}

/*
 * Reads the keys of the file, which must be configured, into the current memory
 * context.  Fails with
 * JA_JWKS_FILE_..., also if only one of the keys is not as jwt_jwks() writes
 * them; what this server cannot use is skipped.
 */
JaStatus
ja_public_keys_read(JaKeySet **keys)
{
	uint8	   *text = NULL;
	size_t		length = 0;
	Jsonb	   *json;
	JaKeySet   *set;
	JaStatus	status = read_file(&text, &length);

	if (status != JA_OK)
		return status;
	if (ja_json_parse_object(text, length, NULL, 0, &json) != JA_OK ||
		ja_keyset_read(&json->root, &set) != JA_OK || !set->is_set)
		return JA_JWKS_FILE_FORM;
	for (int i = 0; i < set->count; i++)
	{
		if (!ja_public_keys_may_hold(set->keys[i]))
			return JA_JWKS_FILE_FORM;
	}
	*keys = set;
	return JA_OK;
}
