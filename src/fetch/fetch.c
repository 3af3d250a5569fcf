/*-------------------------------------------------------------------------
 *
 * fetch.c
 *	  One document over HTTPS.
 *
 * The operator names the URL; whoever answers there, or in its place, may
 * send anything.  So nothing but HTTPS with a verified certificate is spoken,
 * nothing is followed, nothing is remembered, nothing of the environment is
 * used, and time and bytes have bounds.  The caller holds no lock and is in
 * no transaction, since the other side decides how long it takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/socket.h>

#include "fmgr.h"
#include "storage/ipc.h"

#include "fetch/address.h"
#include "fetch/fetch.h"
#include "fetch/transfer.h"

PG_MODULE_MAGIC;

/* Bytes of all headers together */
#define MAX_HEADER_BYTES (64 * 1024)

/* Bytes of an error, of which a server may have chosen some */
#define MAX_ERROR_BYTES 300

typedef struct Fetch
{
	const JaFetchRequest *request;
	JaTransfer	transfer;
	struct curl_slist *headers; /* that are sent */
	char	   *body;			/* max_bytes and a NUL */
	size_t		length;
	size_t		header_bytes;
	bool		is_too_long;
	char		refused_address[64];
	const char *refusal;		/* of that address */
	char		curl_error[CURL_ERROR_SIZE];
} Fetch;

/*
 * Numbers are for HTTP/1.1, which all servers speak.  Threads that resolve a
 * name are not waited for at the end, which would take as long as the DNS.
 */
static const struct
{
	CURLoption	option;
	long		value;
}			numbers[] = {
	{CURLOPT_HTTPGET, 1},
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
	{CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_FOLLOWLOCATION, 0},
	{CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
	{CURLOPT_NETRC, CURL_NETRC_IGNORED},
	{CURLOPT_SSL_VERIFYPEER, 1},
	{CURLOPT_SSL_VERIFYHOST, 2},
	{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	{CURLOPT_FRESH_CONNECT, 1},
	{CURLOPT_FORBID_REUSE, 1},
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_QUICK_EXIT, 1}
};

/* An empty proxy is none, also if the environment names one. */
static const struct
{
	CURLoption	option;
	const char *value;
}			texts[] = {
	{CURLOPT_PROTOCOLS_STR, "https"},
	{CURLOPT_PROXY, ""},
	{CURLOPT_USERAGENT, "jwt_auth"}
};

/* libcurl's callback: opens a socket, unless the address is refused. */
static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	Fetch	   *fetch = context;
	const char *refusal = ja_address_refusal(&address->addr);

	if (refusal == NULL)
		return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	fetch->refusal = refusal;
	ja_address_print(&address->addr, fetch->refused_address, sizeof(fetch->refused_address));
	return CURL_SOCKET_BAD;
}

/* libcurl's callback: counts headers.  Any other result than size ends it all. */
static size_t
take_header(char *data, size_t one, size_t size, void *context)
{
	Fetch	   *fetch = context;

	fetch->header_bytes += size;
	return fetch->header_bytes <= MAX_HEADER_BYTES ? size : 0;
}

static long
status_of(const Fetch *fetch)
{
	long		status = 0;

	curl_easy_getinfo(fetch->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* libcurl's callback: keeps a part of the body. */
static size_t
take_body(char *data, size_t one, size_t size, void *context)
{
	Fetch	   *fetch = context;

	if (status_of(fetch) != 200)
		return 0;
	if (size > fetch->request->max_bytes - fetch->length)
	{
		fetch->is_too_long = true;
		return 0;
	}
	memcpy(fetch->body + fetch->length, data, size);
	fetch->length += size;
	return size;
}

/* Sets options of the transfer that every document has. */
static CURLcode
set_common_options(CURL *easy)
{
	CURLcode	code = CURLE_OK;

	for (int i = 0; code == CURLE_OK && i < lengthof(numbers); i++)
		code = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
	for (int i = 0; code == CURLE_OK && i < lengthof(texts); i++)
		code = curl_easy_setopt(easy, texts[i].option, texts[i].value);
	return code;
}

/* A file of authorities takes the place of the system's. */
static CURLcode
set_authorities(CURL *easy, const char *ca_file)
{
	CURLcode	code = CURLE_OK;

	if (ca_file == NULL)
		return code;
	code = curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) : code;
}

static CURLcode
set_limits(CURL *easy, const JaFetchRequest *request)
{
	CURLcode	code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) request->timeout_ms);

	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) request->timeout_ms);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) request->max_bytes);
	return code;
}

static CURLcode
set_callbacks(CURL *easy, Fetch *fetch)
{
	CURLcode	code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);

	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->curl_error);
	return code;
}

static CURLcode
set_target(CURL *easy, Fetch *fetch)
{
	CURLcode	code;

	fetch->headers = curl_slist_append(NULL, "Accept: application/json");
	if (fetch->headers == NULL)
		return CURLE_OUT_OF_MEMORY;
	code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
	return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_URL, fetch->request->url) : code;
}

/* Every option must be taken: none of them may be left to luck. */
static CURLcode
run_fetch(Fetch *fetch)
{
	CURL	   *easy = fetch->transfer.easy;
	CURLcode	code = set_callbacks(easy, fetch);

	if (code == CURLE_OK)
		code = set_common_options(easy);
	if (code == CURLE_OK)
		code = set_authorities(easy, fetch->request->ca_file);
	if (code == CURLE_OK)
		code = set_limits(easy, fetch->request);
	if (code == CURLE_OK)
		code = set_target(easy, fetch);
	return code == CURLE_OK ? ja_transfer_run(&fetch->transfer) : code;
}

/* What went wrong, or NULL.  The order is that of what explains most. */
static char *
describe_failure(const Fetch *fetch, CURLcode code)
{
	long		status = fetch->transfer.easy == NULL ? 0 : status_of(fetch);

	if (fetch->refusal != NULL && code != CURLE_OK)
		return psprintf("address %s is refused: %s", fetch->refused_address, fetch->refusal);
	if (code == CURLE_UNSUPPORTED_PROTOCOL)
		return pstrdup("only https is spoken");
	if (code == CURLE_LOGIN_DENIED)
		return pstrdup("the URL contains a user name");
	if (fetch->is_too_long || code == CURLE_FILESIZE_EXCEEDED)
		return psprintf("the document is longer than %zu bytes", fetch->request->max_bytes);
	if (fetch->header_bytes > MAX_HEADER_BYTES)
		return psprintf("the headers are longer than %d bytes", MAX_HEADER_BYTES);
	if (status != 200 && (code == CURLE_OK || code == CURLE_WRITE_ERROR))
		return psprintf("HTTP status %ld%s", status,
						status / 100 == 3 && status != 304 ? ", and redirects are not followed" : "");
	if (code == CURLE_OK)
		return NULL;
	return pstrdup(fetch->curl_error[0] != '\0' ? fetch->curl_error : curl_easy_strerror(code));
}

/* Bounds a message, and replaces what is no printable ASCII, in place. */
static char *
cleaned(char *message)
{
	if (message == NULL)
		return NULL;
	if (strlen(message) > MAX_ERROR_BYTES)
		message[MAX_ERROR_BYTES] = '\0';
	for (char *c = message; *c != '\0'; c++)
	{
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	}
	return message;
}

/* The document is in fetch->body then, or the result says what went wrong. */
static char *
try_fetch(Fetch *fetch)
{
	CURLcode	code = CURLE_FAILED_INIT;

	if (ja_transfer_begin(&fetch->transfer))
		code = run_fetch(fetch);
	return cleaned(describe_failure(fetch, code));
}

/* Also when an interrupt ends the process: the other side is told. */
static void
end_fetch(int code, Datum argument)
{
	Fetch	   *fetch = (Fetch *) DatumGetPointer(argument);

	ja_transfer_end(&fetch->transfer);
	curl_slist_free_all(fetch->headers);
}

/*
 * Fetches a document.  Raises what an interrupt raises, and else answers.
 * Timeout and size are positive.
 */
void
ja_fetch(const JaFetchRequest *request, JaFetchAnswer *answer)
{
	Fetch		fetch = {.request = request};

	Assert(request->timeout_ms > 0 && request->max_bytes > 0);
	memset(answer, 0, sizeof(*answer));
	fetch.body = palloc(request->max_bytes + 1);
	PG_ENSURE_ERROR_CLEANUP(end_fetch, PointerGetDatum(&fetch));
	{
		answer->error = try_fetch(&fetch);
	}
	PG_END_ENSURE_ERROR_CLEANUP(end_fetch, PointerGetDatum(&fetch));
	end_fetch(0, PointerGetDatum(&fetch));

	if (answer->error != NULL)
	{
		pfree(fetch.body);
		return;
	}
	fetch.body[fetch.length] = '\0';
	answer->body = fetch.body;
	answer->length = fetch.length;
}
