/*-------------------------------------------------------------------------
 *
 * transfer.c
 *	  A transfer of libcurl that the server can interrupt.
 *
 * libcurl says which sockets it waits for, and until when, and the server
 * waits for them, for the latch and for the postmaster's death.
 *
 * Signals are blocked from ja_transfer_begin() to ja_transfer_end(), but for
 * the wait.  Thus no handler finds libcurl in the middle of something, and
 * the threads that resolve names for libcurl get none of the server's signals.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/wait_event.h"

#include "base/compat.h"
#include "fetch/transfer.h"

/* Nothing is waited for longer, whatever libcurl says. */
#define MAX_WAIT_MS 1000

/* libcurl's callback: waits for a socket from now on, or no longer. */
static int
watch_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *unused)
{
	JaTransfer *transfer = context;
	int			i = 0;

	while (i < transfer->watched_count && transfer->watched[i].socket != socket)
		i++;
	if (what == CURL_POLL_REMOVE)
	{
		if (i < transfer->watched_count)
			transfer->watched[i] = transfer->watched[--transfer->watched_count];
		return 0;
	}
	if (i == JA_TRANSFER_MAX_SOCKETS)
		return -1;
	if (i == transfer->watched_count)
		transfer->watched_count++;
	transfer->watched[i].socket = socket;
	transfer->watched[i].events = (what & CURL_POLL_IN ? WL_SOCKET_READABLE : 0) |
		(what & CURL_POLL_OUT ? WL_SOCKET_WRITEABLE : 0);
	return 0;
}

/* libcurl's callback: waits no longer than this from now on. */
static int
set_timer(CURLM *multi, long timeout_ms, void *context)
{
	JaTransfer *transfer = context;

	INSTR_TIME_SET_CURRENT(transfer->timer_start);
	transfer->timer_ms = timeout_ms;
	return 0;
}

static long
remaining_ms(const JaTransfer *transfer)
{
	instr_time	now;
	double		left;

	if (transfer->timer_ms < 0)
		return MAX_WAIT_MS;
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, transfer->timer_start);
	left = ceil((double) transfer->timer_ms - INSTR_TIME_GET_MILLISEC(now));
	return left <= 0 ? 0 : (long) Min(left, MAX_WAIT_MS);
}

static void
block_signals(sigset_t *before)
{
	sigset_t	all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, before);
}

/* Waits for what libcurl waits for, or an interrupt, which may not return. */
static int
wait_for_events(JaTransfer *transfer, WaitEvent *occurred)
{
	int			count;

	transfer->events = JA_CREATE_WAIT_EVENT_SET(JA_TRANSFER_MAX_SOCKETS + 2);
	AddWaitEventToSet(transfer->events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(transfer->events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < transfer->watched_count; i++)
		AddWaitEventToSet(transfer->events, transfer->watched[i].events,
						  transfer->watched[i].socket, NULL, NULL);

	sigprocmask(SIG_SETMASK, &transfer->signals, NULL);
	count = WaitEventSetWait(transfer->events, remaining_ms(transfer), occurred,
							 JA_TRANSFER_MAX_SOCKETS + 2, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	block_signals(NULL);

	FreeWaitEventSet(transfer->events);
	transfer->events = NULL;
	return count;
}

/* Lets libcurl go on with a socket; false if it gives up. */
static bool
act(JaTransfer *transfer, const WaitEvent *event, int *running)
{
	int			flags = (event->events & WL_SOCKET_READABLE ? CURL_CSELECT_IN : 0) |
	(event->events & WL_SOCKET_WRITEABLE ? CURL_CSELECT_OUT : 0);

	return flags == 0 ||
		curl_multi_socket_action(transfer->multi, event->fd, flags, running) == CURLM_OK;
}

/* Lets libcurl begin, or go on with what is due. */
static bool
act_on_timer(JaTransfer *transfer, int *running)
{
	return curl_multi_socket_action(transfer->multi, CURL_SOCKET_TIMEOUT, 0, running) == CURLM_OK;
}

static bool
run_until_done(JaTransfer *transfer)
{
	WaitEvent	occurred[JA_TRANSFER_MAX_SOCKETS + 2];
	int			running = 1;

	if (curl_multi_add_handle(transfer->multi, transfer->easy) != CURLM_OK ||
		!act_on_timer(transfer, &running))
		return false;
	while (running > 0)
	{
		int			count = wait_for_events(transfer, occurred);

		for (int i = 0; i < count; i++)
		{
			if (!act(transfer, &occurred[i], &running))
				return false;
		}
		if ((count == 0 || remaining_ms(transfer) == 0) && !act_on_timer(transfer, &running))
			return false;
	}
	return true;
}

/* Creates the handles; false if memory is short.  End it in any case. */
bool
ja_transfer_begin(JaTransfer *transfer)
{
	static bool is_initialized = false;

	memset(transfer, 0, sizeof(*transfer));
	transfer->timer_ms = -1;
	block_signals(&transfer->signals);
	if (!is_initialized && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	is_initialized = true;
	transfer->easy = curl_easy_init();
	transfer->multi = curl_multi_init();
	return transfer->easy != NULL && transfer->multi != NULL &&
		curl_multi_setopt(transfer->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
		curl_multi_setopt(transfer->multi, CURLMOPT_SOCKETDATA, transfer) == CURLM_OK &&
		curl_multi_setopt(transfer->multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
		curl_multi_setopt(transfer->multi, CURLMOPT_TIMERDATA, transfer) == CURLM_OK;
}

/* Runs the transfer to its end, in time or not. */
CURLcode
ja_transfer_run(JaTransfer *transfer)
{
	CURLMsg    *message;
	int			left;

	if (!run_until_done(transfer))
		return CURLE_FAILED_INIT;
	message = curl_multi_info_read(transfer->multi, &left);
	return message != NULL && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
}

/* Frees what there is, also in the middle of a transfer. */
void
ja_transfer_end(JaTransfer *transfer)
{
	block_signals(NULL);
	if (transfer->events != NULL)
		FreeWaitEventSet(transfer->events);
	if (transfer->easy != NULL && transfer->multi != NULL)
		curl_multi_remove_handle(transfer->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_multi_cleanup(transfer->multi);
	sigprocmask(SIG_SETMASK, &transfer->signals, NULL);
}
