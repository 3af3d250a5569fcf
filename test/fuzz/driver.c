/*-------------------------------------------------------------------------
 *
 * driver.c
 *	  Runs libFuzzer inside a backend, with one of the targets.
 *
 * What counts as a crash, beside what the sanitizers find: an error that
 * leaves a target, an expectation of a target that does not hold, and memory
 * that an input leaves allocated each time it is run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sanitizer/allocator_interface.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqsignal.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "fuzz.h"

/* An input that leaves memory behind in each of so many runs leaks. */
#define LEAK_RUNS 4

/* Most that the backend's memory contexts may grow in a whole run. */
#define MAX_CONTEXT_GROWTH (4 * 1024 * 1024)

/* Most processor time for one input; the slowest keys that are right take 1 s. */
#define MAX_INPUT_SECONDS 20

static const FuzzTarget targets[] = {
	{"attestation", fuzz_attestation},
	{"base64url", fuzz_base64url},
	{"client", fuzz_client},
	{"cose", fuzz_cose},
	{"der", fuzz_der},
	{"hash", fuzz_hash},
	{"json", fuzz_json},
	{"jwk", fuzz_jwk},
	{"name", fuzz_name},
	{"pem", fuzz_pem},
	{"refresh", fuzz_refresh},
	{"signed", fuzz_signed},
	{"token", fuzz_token},
};

static const FuzzTarget *target;
static FuzzKeys keys;
static MemoryContext input_context;
static Size context_bytes;

/* When the run ends, in seconds of each clock. */
static double cpu_end;
static double wall_end;

PG_FUNCTION_INFO_V1(jwt_auth_fuzz);

/* libFuzzer's entry (compiler-rt, FuzzerInterface.h). */
extern int	LLVMFuzzerRunDriver(int *argc, char ***argv,
								int (*callback) (const uint8 *data, size_t size));

void
fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

static void
fail_with_error(void)
{
	ErrorData  *error;

	MemoryContextSwitchTo(input_context);
	error = CopyErrorData();
	fprintf(stderr, "error from %s at %s:%d: %s\n", error->funcname,
			error->filename, error->lineno, error->message);
	abort();
}

static void
run_input(const uint8 *data, size_t size)
{
	MemoryContext caller = MemoryContextSwitchTo(input_context);

	PG_TRY();
	{
		target->run(data, size, &keys);
	}
	PG_CATCH();
	{
		fail_with_error();
	}
	PG_END_TRY();
	FUZZ_EXPECT(CurrentMemoryContext == input_context);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(input_context);
}

/* Whether running the input left memory allocated. */
static bool
leaves_memory(const uint8 *data, size_t size)
{
	size_t		before = __sanitizer_get_current_allocated_bytes();

	run_input(data, size);
	return __sanitizer_get_current_allocated_bytes() > before;
}

static double
seconds_of(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/*
 * Asks libFuzzer to end, which knows no limit of processor time.  It waits for
 * the input that runs.
 */
static void
end_in_time(double cpu)
{
	static bool is_ending = false;

	if (is_ending || (cpu < cpu_end && seconds_of(CLOCK_MONOTONIC) < wall_end))
		return;
	is_ending = true;
	fprintf(stderr, "cpu_seconds: %.0f\n", cpu);
	raise(SIGUSR1);
}

static void
fail_with_timeout(int signal pg_attribute_unused())
{
	fuzz_fail(__FILE__, __LINE__, "an input takes a short time");
}

/* By processor time, since a campaign at a low priority may be stopped. */
static void
limit_time_of_input(void)
{
	const struct itimerval limit = {.it_value.tv_sec = MAX_INPUT_SECONDS};

	setitimer(ITIMER_PROF, &limit, NULL);
}

static int
run_and_check(const uint8 *data, size_t size)
{
	int			runs = 0;

	limit_time_of_input();
	while (leaves_memory(data, size))
		FUZZ_EXPECT(++runs < LEAK_RUNS);
	FUZZ_EXPECT(MemoryContextMemAllocated(TopMemoryContext, true) <=
				context_bytes + MAX_CONTEXT_GROWTH);
	end_in_time(seconds_of(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}

static const FuzzTarget *
find_target(const char *name)
{
	for (size_t i = 0; i < lengthof(targets); i++)
	{
		if (strcmp(targets[i].name, name) == 0)
			return &targets[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no fuzz target \"%s\"", name)));
}

/* libFuzzer installs no handler of its own where it finds one. */
static void
set_signals(void)
{
	pqsignal(SIGALRM, SIG_DFL);
	pqsignal(SIGINT, SIG_DFL);
	pqsignal(SIGTERM, SIG_DFL);
	pqsignal(SIGUSR1, SIG_DFL);
	pqsignal(SIGPROF, fail_with_timeout);
}

static void
call_libfuzzer(ArrayType *options)
{
	Datum	   *elements;
	int			count;
	char	  **arguments;

	deconstruct_array(options, TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &count);
	arguments = palloc0((count + 2) * sizeof(char *));
	arguments[0] = pstrdup(target->name);
	for (int i = 0; i < count; i++)
		arguments[i + 1] = TextDatumGetCString(elements[i]);
	count++;
	set_signals();
	LLVMFuzzerRunDriver(&count, &arguments, run_and_check);
}

/*
 * jwt_auth_fuzz(target text, options text[], secrets jsonb,
 *				 public_keys jsonb, cpu_seconds integer,
 *				 wall_seconds integer) → void
 *
 * The options are libFuzzer's command line.  The process ends when it does,
 * at the latest after so many seconds of processor time or of the clock.
 */
Datum
jwt_auth_fuzz(PG_FUNCTION_ARGS)
{
	target = find_target(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	FUZZ_EXPECT(ja_keyset_read(&PG_GETARG_JSONB_P(2)->root, &keys.secrets) == JA_OK);
	FUZZ_EXPECT(ja_keyset_read(&PG_GETARG_JSONB_P(3)->root, &keys.public_keys) == JA_OK);
	input_context = AllocSetContextCreate(CurrentMemoryContext, "fuzz input",
										  ALLOCSET_DEFAULT_SIZES);
	context_bytes = MemoryContextMemAllocated(TopMemoryContext, true);
	cpu_end = seconds_of(CLOCK_PROCESS_CPUTIME_ID) + PG_GETARG_INT32(4);
	wall_end = seconds_of(CLOCK_MONOTONIC) + PG_GETARG_INT32(5);
	call_libfuzzer(PG_GETARG_ARRAYTYPE_P(1));
	PG_RETURN_VOID();
}
