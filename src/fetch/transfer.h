/*-------------------------------------------------------------------------
 *
 * transfer.h
 *	  A transfer of libcurl that the server can interrupt.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TRANSFER_H
#define JA_TRANSFER_H

#include <curl/curl.h>
#include <signal.h>

#include "portability/instr_time.h"
#include "storage/latch.h"

/* Sockets of one transfer: addresses that are tried, and the resolver's */
#define JA_TRANSFER_MAX_SOCKETS 16

typedef struct JaTransfer
{
	CURL	   *easy;			/* the caller's options are set there */
	CURLM	   *multi;
	WaitEventSet *events;		/* while it waits */
	sigset_t	signals;		/* the mask outside of libcurl */

	/* What libcurl waits for, and until when; timer_ms < 0: no matter */
	struct
	{
		curl_socket_t socket;
		uint32		events;
	}			watched[JA_TRANSFER_MAX_SOCKETS];
	int			watched_count;
	instr_time	timer_start;
	long		timer_ms;
} JaTransfer;

extern bool ja_transfer_begin(JaTransfer *transfer);
extern CURLcode ja_transfer_run(JaTransfer *transfer);
extern void ja_transfer_end(JaTransfer *transfer);

#endif							/* JA_TRANSFER_H */
