/*-------------------------------------------------------------------------
 *
 * master_key.c
 *	  The file with the keys that seal private keys and secrets.
 *
 * The file is read whenever a key must be sealed or opened, which caches make
 * rare, and nothing of it stays in memory.  What must hold of the file is
 * checked on the opened descriptor, so that it can't be exchanged in between;
 * symbolic links are followed, as mounted secrets are such links.
 *
 * The lines are "name base64".  The first one seals, any of them opens.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "base/settings.h"
#include "keyring/master_key.h"

#define MAX_FILE_SIZE (64 * 1024)

/* Most lines; one is enough, two while keys are exchanged. */
#define MAX_LINES 64

/* Base64 of a key: 43 characters and one of padding. */
#define KEY_CHARACTERS 44

#define TABLESPACE_LINKS "pg_tblspc"

bool
ja_master_key_is_configured(void)
{
	return ja_settings_text(ja_settings.master_key_file).data != NULL;
}

/* Whether the resolved path of a file lies in the directory, which may be a link. */
static bool
lies_in(const char *path, const char *directory)
{
	char		resolved[PATH_MAX];
	size_t		length;

	if (realpath(directory, resolved) == NULL)
		return false;
	length = strlen(resolved);
	return strncmp(path, resolved, length) == 0 && path[length] == '/';
}

static bool
lies_in_tablespace(const char *path)
{
	DIR		   *links = AllocateDir(TABLESPACE_LINKS);
	struct dirent *entry;
	bool		found = false;

	while (!found && (entry = ReadDirExtended(links, TABLESPACE_LINKS, LOG)) != NULL)
	{
		char		link[MAXPGPATH];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(link, sizeof(link), "%s/%s", TABLESPACE_LINKS, entry->d_name);
		found = lies_in(path, link);
	}
	FreeDir(links);
	return found;
}

/*
 * The file must lie where no backup of the server takes it along.  The path
 * is resolved apart from the descriptor, and must lead to the same file.
 */
static JaStatus
check_place(const char *path, const struct stat *opened)
{
	char		resolved[PATH_MAX];
	struct stat found;

	if (realpath(path, resolved) == NULL || stat(resolved, &found) != 0 ||
		found.st_dev != opened->st_dev || found.st_ino != opened->st_ino)
		return JA_MASTER_KEY_OPEN;
	if (lies_in(resolved, DataDir) || lies_in(resolved, "pg_wal") || lies_in_tablespace(resolved))
		return JA_MASTER_KEY_PLACE;
	return JA_OK;
}

static JaStatus
check_file(int file, const char *path, size_t *size)
{
	struct stat status;
	bool		own;
	bool		of_root;

	if (fstat(file, &status) != 0)
		return JA_MASTER_KEY_OPEN;
	if (!S_ISREG(status.st_mode) || status.st_size > MAX_FILE_SIZE)
		return JA_MASTER_KEY_KIND;
	own = status.st_uid == geteuid() && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
	of_root = status.st_uid == 0 &&
		(status.st_mode & (S_IXUSR | S_IWGRP | S_IXGRP | S_IRWXO)) == 0;
	if (!own && !of_root)
		return JA_MASTER_KEY_RIGHTS;
	*size = status.st_size;
	return check_place(path, &status);
}

/* Reads the file into the buffer, which has room for one byte more. */
static JaStatus
read_file(char *text, size_t *length)
{
	const char *path = ja_settings.master_key_file;
	int			file;
	ssize_t		got;
	JaStatus	status;

	if (!ja_master_key_is_configured())
		return JA_MASTER_KEY_UNSET;
	if (!is_absolute_path(path))
		return JA_MASTER_KEY_PATH;
	file = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		return JA_MASTER_KEY_OPEN;
	status = check_file(file, path, length);
	if (status == JA_OK)
	{
		got = read(file, text, *length);
		if (got != (ssize_t) *length)
			status = JA_MASTER_KEY_OPEN;
	}
	CloseTransientFile(file);
	return status;
}

/* Reads one line, without its end, as "name base64". */
static bool
read_line(const char *line, size_t length, JaMasterKey *key)
{
	size_t		name = 0;
	uint8		decoded[KEY_CHARACTERS] = {0};
	bool		is_key;

	while (name < length && (isalnum((unsigned char) line[name]) ||
							 line[name] == '-' || line[name] == '_'))
		name++;
	if (name == 0 || name > JA_MASTER_KEY_NAME ||
		length != name + 1 + KEY_CHARACTERS || line[name] != ' ' || line[length - 1] != '=' ||
		line[length - 2] == '=')
		return false;
	is_key = EVP_DecodeBlock(decoded, (const unsigned char *) line + name + 1,
							 KEY_CHARACTERS) == JA_MASTER_KEY_SIZE + 1;
	memcpy(key->name, line, name);
	key->name[name] = '\0';
	memcpy(key->key, decoded, JA_MASTER_KEY_SIZE);
	OPENSSL_cleanse(decoded, sizeof(decoded));
	return is_key;
}

/* Takes one line off the text; true while there was one. */
static bool
next_line(JaString *text, JaString *line)
{
	const char *end;

	if (text->length == 0)
		return false;
	end = memchr(text->data, '\n', text->length);
	line->data = text->data;
	line->length = end != NULL ? (size_t) (end - text->data) : text->length;
	text->data += line->length + (end != NULL);
	text->length -= line->length + (end != NULL);
	return true;
}

/* Reads all lines, of which each must be well-formed, and of another name. */
static JaStatus
read_lines(JaString text, JaMasterKey *keys, int *count)
{
	JaString	line;

	*count = 0;
	while (next_line(&text, &line))
	{
		if (*count == MAX_LINES || !read_line(line.data, line.length, &keys[*count]))
			return JA_MASTER_KEY_FORM;
		for (int i = 0; i < *count; i++)
		{
			if (strcmp(keys[i].name, keys[*count].name) == 0)
				return JA_MASTER_KEY_FORM;
		}
		(*count)++;
	}
	return *count > 0 ? JA_OK : JA_MASTER_KEY_FORM;
}

/* Finds the first line, or the one with the name if that is not NULL. */
static JaStatus
find_line(JaString text, const JaString *name, JaMasterKey *key)
{
	JaMasterKey keys[MAX_LINES];
	int			count;
	JaStatus	status = read_lines(text, keys, &count);

	if (status == JA_OK)
		status = JA_KEYRING_SEALED;
	for (int i = 0; i < count && status == JA_KEYRING_SEALED; i++)
	{
		if (name != NULL && !ja_string_is(*name, keys[i].name))
			continue;
		*key = keys[i];
		status = JA_OK;
	}
	OPENSSL_cleanse(keys, sizeof(keys));
	return status;
}

static JaStatus
find_key(const JaString *name, JaMasterKey *key)
{
	char	   *text = palloc(MAX_FILE_SIZE);
	size_t		length = 0;
	JaStatus	status = read_file(text, &length);

	if (status == JA_OK)
		status = find_line((JaString) {text, length}, name, key);
	OPENSSL_cleanse(text, length);
	pfree(text);
	return status;
}

/* The key that seals.  The caller wipes it.  Fails with JA_MASTER_KEY_.... */
JaStatus
ja_master_key_first(JaMasterKey *key)
{
	return find_key(NULL, key);
}

/*
 * The key of that name.  The caller wipes it.  Fails with JA_MASTER_KEY_...,
 * or JA_KEYRING_SEALED where no file or line has it.
 */
JaStatus
ja_master_key_named(JaString name, JaMasterKey *key)
{
	if (!ja_master_key_is_configured())
		return JA_KEYRING_SEALED;
	return find_key(&name, key);
}
