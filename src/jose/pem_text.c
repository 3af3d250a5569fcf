/*-------------------------------------------------------------------------
 *
 * pem_text.c
 *	  PEM text as environment variables and indented files carry it.
 *
 * RFC 7468 wants lines.  On the way through environment variables, JSON and
 * YAML, they lose their ends, which become a backslash and an n, or blanks, or
 * get blanks in front.  No character of a block is lost by that, so that it can
 * be laid out again.
 *
 * The caller controls the text, which may hold a private key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "jose/pem_text.h"

#define BEGIN_MARK	"-----BEGIN "
#define END_MARK	"-----END "
#define DASHES		"-----"

/* "-----BEGIN" in base64, and what stands inside of an encrypted block. */
#define BASE64_BEGIN_MARK	"LS0tLS1CRUdJTi"
#define ENCRYPTED_MARK		"4,ENCRYPTED"

#define LINE_LENGTH 64

/* What is read, and what is written into a buffer that is large enough. */
typedef struct Layout
{
	const char *next;
	const char *end;
	char	   *out;
	size_t		length;
	size_t		column;
} Layout;

/* Where the mark stands in what is left, or NULL. */
static const char *
find_mark(const char *start, const char *end, const char *mark)
{
	size_t		length = strlen(mark);

	for (; (size_t) (end - start) >= length; start++)
	{
		if (strncmp(start, mark, length) == 0)
			return start;
	}
	return NULL;
}

static bool
holds_mark(JaString text, const char *mark)
{
	return find_mark(text.data, text.data + text.length, mark) != NULL;
}

/* Whether a text is meant to be PEM, as it is or in base64 as a whole. */
bool
ja_pem_text_is_pem(JaString text)
{
	return holds_mark(text, BEGIN_MARK) || holds_mark(text, BASE64_BEGIN_MARK);
}

/* Whether a block is encrypted as RFC 1421 says, by header lines inside. */
bool
ja_pem_text_is_encrypted(JaString text)
{
	return holds_mark(text, ENCRYPTED_MARK);
}

static void
put(Layout *layout, const char *data, size_t length)
{
	memcpy(layout->out + layout->length, data, length);
	layout->length += length;
}

/* Puts a line from BEGIN or END to the dashes behind its label; false if none. */
static bool
put_mark(Layout *layout, const char *mark)
{
	const char *start = find_mark(layout->next, layout->end, mark);
	const char *dashes;

	if (start == NULL)
		return false;
	dashes = find_mark(start + strlen(mark), layout->end, DASHES);
	if (dashes == NULL)
		return false;
	layout->next = dashes + strlen(DASHES);
	put(layout, start, layout->next - start);
	put(layout, "\n", 1);
	return true;
}

/* The bytes of a line's end as it is written out: "\n" or "\r" in two. */
static bool
is_escaped_end(const Layout *layout)
{
	return layout->end - layout->next > 1 && layout->next[0] == '\\' &&
		(layout->next[1] == 'n' || layout->next[1] == 'r');
}

/* Puts what stands before END in lines, without white space. */
static void
put_body(Layout *layout, const char *end)
{
	layout->column = 0;
	while (layout->next < end)
	{
		if (is_escaped_end(layout))
			layout->next += 2;
		else if (strchr(" \t\r\n", *layout->next) != NULL)
			layout->next++;
		else
		{
			put(layout, layout->next++, 1);
			if (++layout->column % LINE_LENGTH == 0)
				put(layout, "\n", 1);
		}
	}
	if (layout->column % LINE_LENGTH != 0)
		put(layout, "\n", 1);
}

/*
 * Lays the blocks of a text out in lines, in the current memory context; the
 * caller wipes it.  Data is NULL for a text that holds no whole block.
 */
JaString
ja_pem_text_lay_out(JaString text)
{
	Layout		layout = {text.data, text.data + text.length, NULL, 0, 0};
	const char *end;

	/* A line end for each line, and for each mark. */
	layout.out = palloc(text.length + text.length / LINE_LENGTH + text.length / 8 + 4);
	while (put_mark(&layout, BEGIN_MARK))
	{
		end = find_mark(layout.next, layout.end, END_MARK);
		if (end == NULL)
			break;
		put_body(&layout, end);
		if (!put_mark(&layout, END_MARK))
			break;
	}
	return (JaString) {layout.length > 0 ? layout.out : NULL, layout.length};
}
