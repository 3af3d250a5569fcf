/*-------------------------------------------------------------------------
 *
 * strength.c
 *	  How hard a password is to guess, as libzxcvbn estimates it.
 *
 * A caller controls the password, and some of the words that it is compared
 * with.  The library's work grows with the fifth power of what it reads and
 * can't be interrupted, so it gets the first and the last bytes of a long
 * password, one after the other: 32 bytes take up to 25 ms.  Whoever guesses the
 * password has to guess both, so the harder one counts.  It takes bytes for
 * characters, and so gets a byte for each character.
 *
 * The library keeps no state, reads no file and raises nothing.  It does not
 * check whether it gets memory, which is tried out before.  What it allocates
 * holds positions and lengths; its one copy of the password it overwrites
 * itself.  Single characters may stay behind on the stack.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#if defined(__has_include) && !__has_include(<zxcvbn.h>)
#error "zxcvbn.h is missing: install libzxcvbn-dev"
#endif
#include <zxcvbn.h>

#include "miscadmin.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/settings.h"
#include "password/strength.h"

/* How much of a password, and of a word, the library reads at a time. */
#define READ_BYTES 32

/* Most words with the parts of them, and the shortest part. */
#define MAX_WORDS 64
#define MIN_PART 3

/* More than the library allocates for what it reads. */
#define WORK_BYTES (96 * 1024)

typedef struct Words
{
	const char *items[MAX_WORDS + 1];	/* NULL follows the last */
	int			count;
	char		bytes[MAX_WORDS][READ_BYTES + 1];
} Words;

#define BIT(pattern) (1U << (pattern))

/* What each kind of match is; those by brute force are nothing. */
static const uint32 patterns[] = {
	[DICTIONARY_MATCH] = BIT(JA_PATTERN_DICTIONARY),
	[DICT_LEET_MATCH] = BIT(JA_PATTERN_DICTIONARY),
	[USER_MATCH] = BIT(JA_PATTERN_NAME),
	[USER_LEET_MATCH] = BIT(JA_PATTERN_NAME),
	[REPEATS_MATCH] = BIT(JA_PATTERN_REPETITION),
	[SEQUENCE_MATCH] = BIT(JA_PATTERN_SEQUENCE),
	[SPATIAL_MATCH] = BIT(JA_PATTERN_KEYBOARD),
	[DATE_MATCH] = BIT(JA_PATTERN_DATE),
	[YEAR_MATCH] = BIT(JA_PATTERN_DATE),
};

static void
add_word(Words *words, const char *data, size_t length)
{
	char	   *word;

	if (length == 0 || words->count == MAX_WORDS)
		return;
	word = words->bytes[words->count];
	length = Min(length, READ_BYTES);
	memcpy(word, data, length);
	word[length] = '\0';
	words->items[words->count++] = word;
}

static bool
is_of_part(char byte)
{
	return IS_HIGHBIT_SET(byte) || (byte >= '0' && byte <= '9') ||
		(byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* Adds a text and what stands between its dots, hyphens and the like. */
static void
add_parts(Words *words, const char *data, size_t length)
{
	size_t		start = 0;

	add_word(words, data, length);
	for (size_t i = 0; i <= length; i++)
	{
		if (i < length && is_of_part(data[i]))
			continue;
		if (i - start >= MIN_PART && i - start < length)
			add_word(words, data + start, i - start);
		start = i + 1;
	}
}

/*
 * Writes a byte for each character of UTF-8 text, which out may be itself; returns how
 * many.  What is not ASCII becomes a byte that is not, and the same one each time.
 */
static size_t
write_narrow(JaString utf8, char *out)
{
	size_t		count = 0;
	int32		character;

	for (size_t i = 0; i < utf8.length;)
	{
		i += ja_unicode_next(utf8.data + i, utf8.length - i, &character);
		out[count++] = (char) (character < 0x80 ? character : 0x80 | (character & 0x7F));
	}
	return count;
}

/* Adds a text in the form of passwords; one that has none is passed over. */
static void
add_text(Words *words, JaString text)
{
	char		utf8[JA_UNICODE_CONVERSION_ROOM];
	char		normal[JA_UNICODE_ROOM];
	size_t		length;

	if (text.data == NULL || ja_unicode_from_server(text, utf8, &length) != JA_UNICODE_OK)
		return;
	if (ja_unicode_normalize((JaString) {utf8, length}, JA_UNICODE_NFKC,
							 normal, &length) == JA_UNICODE_OK)
		add_parts(words, normal, write_narrow((JaString) {normal, length}, normal));
}

/* Whether the library will get its memory from what is free in the heap. */
static bool
has_memory(void)
{
	void	   *volatile memory = malloc(WORK_BYTES);

	if (memory == NULL)
		return false;
	free(memory);
	return true;
}

static uint32
patterns_of(const ZxcMatch_t *match)
{
	uint32		found = 0;

	for (; match != NULL; match = match->Next)
	{
		unsigned int type = match->Type;

		if (type & MULTIPLE_MATCH)
			found |= BIT(JA_PATTERN_REPETITION);
		type &= ~MULTIPLE_MATCH;
		if (type < lengthof(patterns))
			found |= patterns[type];
	}
	return found;
}

/* Estimates at most READ_BYTES. */
static JaStrength
estimate_part(const char *data, size_t length, Words *words)
{
	char		part[READ_BYTES + 1];
	ZxcMatch_t *matches = NULL;
	double		bits;
	JaStrength	strength;

	memcpy(part, data, length);
	part[length] = '\0';
	bits = ZxcvbnMatch(part, words->items, &matches);
	OPENSSL_cleanse(part, sizeof(part));
	strength.bits = bits > 0 ? (int) Min(bits, INT16_MAX) : 0;
	strength.patterns = patterns_of(matches);
	ZxcvbnFreeInfo(matches);
	return strength;
}

/* Estimates a password by its first and its last characters. */
static JaStrength
estimate_narrow(const char *narrow, size_t length, Words *words)
{
	size_t		part = Min(length, READ_BYTES);
	JaStrength	strength = estimate_part(narrow, part, words);
	JaStrength	end;

	if (length == part)
		return strength;
	end = estimate_part(narrow + length - part, part, words);
	return end.bits > strength.bits ? end : strength;
}

/*
 * Estimates a password of somebody whom the words are about, with our issuer
 * as one more.  Fails with JA_MEMORY.
 */
JaStatus
ja_strength_estimate(const JaPassword *password, JaStrings words, JaStrength *strength)
{
	char		narrow[JA_UNICODE_ROOM];
	Words		known = {.count = 0};
	ErrorContextCallback hidden;

	for (int i = 0; i < words.count; i++)
		add_text(&known, words.items[i]);
	if (ja_settings.issuer != NULL)
		add_text(&known, (JaString) {ja_settings.issuer, strlen(ja_settings.issuer)});
	if (!has_memory())
		return JA_MEMORY;
	ja_error_context_push(&hidden, ja_hide_statement);
	CHECK_FOR_INTERRUPTS();
	ja_error_context_pop(&hidden);
	*strength = estimate_narrow(narrow, write_narrow(password->normal, narrow), &known);
	OPENSSL_cleanse(narrow, sizeof(narrow));
	return JA_OK;
}
