/*
 * session.pml
 *	  The refresh tokens of one session: rotation, grace, replay, log-out,
 *	  step-up, lost answers, callers that roll back, crash and failover.
 *
 * The server is as src/session has it: each step below is one read of committed
 * rows, one statement that may wait for a row's lock, or the end of a transaction,
 * and between two steps anything else may happen.  Time passes in ticks.  A nonce
 * is the number of its token, as no two are equal; MACs and expiry are left out.
 *
 * What is asked, and who asks, is chosen by the definitions that run passes:
 *
 *	CALLERS=n	n callers present any token that was ever in an answer, the owner's
 *				and a thief's alike, and may roll back
 *	TABS		two tabs of a browser follow the protocol (see Tab)
 *	STEP_UP, LOGOUT	somebody does that, and may roll back
 *	CRASH		the server fails, and what was open is lost
 *	FAILOVER	a standby lags by any time, and takes over; what was open is lost, and
 *				what it does not have yet.  Who was told more may have to log in
 *				again, so that TABS does not stand with it
 *
 * BROKEN_... leave something out of the server or of the protocol, to show that its
 * absence is noticed.
 *
 * The promises, with the numbers that the assertions refer to:
 *
 *	P1	A token is rotated once: there are never two children of one token.
 *	P2	Nobody who follows the protocol is logged out.
 *	P3	No statement that begins after the end of a session is told gives a token.
 *	P4	A token that is presented later than its grace ends the session, if the
 *		caller lets it: whoever of thief and owner comes second is found.
 *	P5	Nothing of the level of a step-up is given for a token from before it.
 *	P6	A token whose rotation was rolled back or lost is never accepted.
 *	P7	A token that is current, or in its grace, is accepted.
 */

#ifndef TOKENS
#define TOKENS	5				/* that there ever are */
#endif
#ifndef CALLERS
#define CALLERS	0
#endif
#ifndef LOSSES
#define LOSSES	1				/* answers in a row, if TABS */
#endif
#define GRACE	3				/* ticks */
#define LATENCY	1				/* how long a request takes at most */
#define WAITING	1				/* how long a statement may have waited */
#define OLD		(GRACE + WAITING + 1)	/* and older; no difference is made */
#define KEPT	4				/* former tokens in the row */
#define NEVER	15
#define PIDS	6

#define NONE	0
#define FREE	0

mtype = { ok, denied, replayed, gone };	/* answers */
mtype = { to_refresh, to_step_up, to_log_out };	/* calls */

/* What is committed.  A standby has a copy of some former state of it. */
typedef Server
{
	byte	current;
	byte	earlier[KEPT];		/* the latest first; NONE: cut */
	byte	age[KEPT];			/* since each was rotated */
	bit		revoked;
	bit		stepped_up;

	/* What happened, for the assertions only: sets of tokens, and ages */
	byte	committed;
	byte	rotated;
	byte	high;				/* made at the level of the step-up */
	byte	since[TOKENS + 1];	/* since it was rotated */
};

Server primary;
#ifdef FAILOVER
Server standby;
#endif

byte	made;					/* tokens are numbered from 1 */
byte	generation[TOKENS + 1];
byte	told;					/* set of those that were in an answer */
byte	row_lock, session_lock;	/* by whom the rows are locked */
bit		has_failed;				/* the first server */

/* By process: ticks since the request, its statement and its rotation began. */
byte	asked[PIDS], began[PIDS], held[PIDS];

#define SET(n)			(1 << (n))
#define HAS(set, n)		(((set) >> (n)) & 1)

/* The connection was lost with the server that it was to. */
#define is_gone			(has_failed != my_server)

/*
 * TRACE lets a statement run until it has to wait, as a server does where nothing
 * happens beside it, and prints what is called, answered and ended, and what is then
 * committed.  test/t/model_traces.pl has a server do the same.
 */
#ifdef TRACE
byte	caller;					/* whose statement is not answered yet */
byte	awaited;				/* its lock: that of the row (1), or of the session (2) */
#define STATEMENT		atomic
#define may_call		(caller == FREE && made < TOKENS)
#define may_end			(caller == FREE || awaited == 1 && row_lock != FREE || awaited == 2 && session_lock != FREE)
#define may_tick		(caller == FREE && row_lock == FREE)
#else
#define STATEMENT
#define may_call		true
#define may_end			true
#define may_tick		true
#endif

inline wait_for_row()
{
#ifdef TRACE
	awaited = 1;
#endif
	row_lock == FREE || is_gone;
#ifdef TRACE
	awaited = 0
#endif
}

inline wait_for_session()
{
#ifdef TRACE
	awaited = 2;
#endif
	session_lock == FREE || is_gone;
#ifdef TRACE
	awaited = 0
#endif
}

inline trace_call(call)
{
#ifdef TRACE
	caller = _pid;
	printf("@ call %d %e %d\n", _pid, call, t)
#else
	skip
#endif
}

/* The answer is seen before it is known whether the transaction commits. */
inline tell()
{
	atomic
	{
		if
		:: answer == ok && child != NONE -> told = told | SET(child)
		:: else
		fi;
#ifdef TRACE
		printf("@ answer %d %e %d %d\n", _pid, answer, child, is_high || raises);
		caller = FREE
#endif
	}
}

inline trace_end(commits)
{
#ifdef TRACE
	printf("@ end %d %d %d %d %d\n", _pid, commits, generation[primary.current], primary.revoked, primary.stepped_up)
#else
	skip
#endif
}

/*
 * The next token.  In what follows, t is the token presented, child the one to
 * answer with, and answer what is known of the answer.
 */
inline draw(parent)
{
	made++;
	child = made;
	generation[child] = generation[parent] + 1
}

inline start_statement()
{
	my_server = has_failed;
	began[_pid] = 0;
	if
	:: asked[_pid] == NEVER -> asked[_pid] = 0
	:: else
	fi
}

/* Whether the entry at the distance of t has a nonce, and the statement began in its grace. */
#ifdef BROKEN_GRACE
#define is_in_time		true
#else
#define is_in_time		(primary.age[distance - 1] <= GRACE + WAITING && primary.age[distance - 1] - began[_pid] <= GRACE)
#endif
#ifdef BROKEN_PARENT
#define MAX_DISTANCE	1
#else
#define MAX_DISTANCE	KEPT
#endif
#define entry_holds(n)	(distance >= 1 && distance <= MAX_DISTANCE && primary.earlier[distance - 1] == (n) && primary.age[distance - 1] < NEVER && is_in_time)

/* decide_unrotated() of refresh.c, for the row as it is now */
inline decide()
{
	distance = 0;
	if
	:: generation[primary.current] > generation[t] ->
		distance = generation[primary.current] - generation[t]
	:: else
	fi;
	if
	:: entry_holds(t) ->
		child = primary.current;
#ifdef BROKEN_PROLONGED
		primary.age[distance - 1] = 0
#endif
	:: else ->
		if
		:: distance > 0 && !entry_holds(NONE) -> answer = replayed
		:: else -> answer = denied
		fi
	fi;
	distance = 0
}

#ifdef BROKEN_NONCE
#define is_current		(generation[primary.current] == generation[t])
#else
#define is_current		(primary.current == t)
#endif
#ifdef BROKEN_UPDATE
#define is_still_current	true
#else
#define is_still_current	is_current
#endif

/* find_live(): the session and its level, as of now */
inline read_session()
{
	if
	:: is_gone -> answer = gone
	:: !is_gone && primary.revoked -> answer = denied
	:: else -> is_high = primary.stepped_up
	fi
}

/*
 * One update, which finds t current or changes nothing.  What it waits for is locked
 * before it is looked at again, and stays so.
 */
inline rotate()
{
	if
	:: is_gone -> answer = gone
	:: !is_gone && is_current ->
		wait_for_row();
		if
		:: is_gone || is_still_current && made == TOKENS -> answer = gone
		:: else ->
			row_lock = _pid;
			if
			:: is_still_current ->
				held[_pid] = 0;
				rotates = true;
				draw(t)
			:: else
			fi
		fi
	:: else
	fi
}

/* An update of the session's row, likewise; ok if it finds it live */
inline lock_session()
{
	if
	:: is_gone -> answer = gone
	:: !is_gone && primary.revoked -> answer = denied
	:: else ->
		wait_for_session();
		if
		:: is_gone -> answer = gone
		:: else ->
			session_lock = _pid;
			answer = (primary.revoked -> denied : ok)
		fi
	fi
}

/* Ends the session of a replayed token, unless that is done. */
inline end_replayed()
{
#ifndef BROKEN_REPLAY
	lock_session();
	if
	:: answer == ok ->
		ends = true;
		answer = denied
	:: else
	fi
#else
	answer = denied
#endif
}

/*
 * ja_refresh() of refresh.c: a statement, up to its answer.  The session is read
 * before the row that says that t is in its grace, since a step-up changes both: what
 * it is given is of no higher level than when it was.
 */
inline refresh()
{
	atomic
	{
		start_statement();
		was_committed = HAS(primary.committed, t);
		was_known = primary.revoked;
		was_late = HAS(primary.rotated, t) && primary.since[t] > GRACE;
		answer = ok;
		read_session()
	}
	atomic
	{
		if
		:: answer == ok && is_gone -> answer = gone
		:: answer == ok && !is_gone && is_current -> tries = true
		:: answer == ok && !is_gone && !is_current -> decide()
		:: else
		fi
	}
	if
	:: tries ->
		atomic { rotate() }
		atomic
		{
			if
			:: answer == ok -> read_session()
			:: else
			fi
		}
		atomic
		{
			tries = false;
			if
			:: answer == ok && !rotates && is_gone -> answer = gone
			:: answer == ok && !rotates && !is_gone -> decide()
			:: else
			fi
		}
	:: else
	fi;
#ifdef BROKEN_ORDER
	atomic
	{
		if
		:: answer == ok -> read_session()
		:: else
		fi
	}
#endif
	if
	:: answer == replayed -> atomic { end_replayed() }
	:: else
	fi
}

/* ja_session_step_up(): a statement, up to its answer */
inline step_up()
{
	atomic
	{
		start_statement();
		lock_session();
		raises = (answer == ok)
	}
	if
	:: raises ->
		atomic
		{
			wait_for_row();
			if
			:: is_gone || made == TOKENS -> answer = gone
			:: else ->
				row_lock = _pid;
				held[_pid] = 0;
				t = primary.current;
				rotates = true;
				draw(t)
			fi
		}
	:: else
	fi
}

/* jwt_logout(), or jwt_revoke() of a token of any generation */
inline log_out()
{
	atomic
	{
		start_statement();
		lock_session();
		ends = (answer == ok)
	}
}

inline push_earlier()
{
	for (i : 1 .. KEPT - 1)
	{
		primary.earlier[KEPT - i] = primary.earlier[KEPT - i - 1];
		primary.age[KEPT - i] = primary.age[KEPT - i - 1]
	}
	primary.earlier[0] = t;
	primary.age[0] = held[_pid];
#ifndef BROKEN_STEP_UP
	if
	:: raises ->
		for (i : 0 .. KEPT - 1)
		{
			primary.earlier[i] = NONE
		}
	:: else
	fi;
#endif
	i = 0
}

/* Makes visible what the transaction wrote. */
inline commit()
{
	if
	:: rotates ->
		assert(!HAS(primary.rotated, t));		/* P1 */
		primary.rotated = primary.rotated | SET(t);
		primary.since[t] = held[_pid];
		push_earlier();
		primary.current = child;
		primary.committed = primary.committed | SET(child)
	:: else
	fi;
	if
	:: raises -> primary.stepped_up = true
	:: else
	fi;
	if
	:: rotates && primary.stepped_up -> primary.high = primary.high | SET(child)
	:: else
	fi;
	if
	:: ends -> primary.revoked = true
	:: else
	fi
}

inline release_locks()
{
	if
	:: row_lock == _pid -> row_lock = FREE
	:: else
	fi;
	if
	:: session_lock == _pid -> session_lock = FREE
	:: else
	fi
}

/* What a refresh must have answered, once it has committed */
inline judge_refresh()
{
	if
	:: answer == ok ->
		assert(HAS(primary.committed, t));		/* P6 */
		assert(HAS(primary.committed, child));	/* P6 */
		assert(!was_known);						/* P3 */
		assert(!was_late);						/* P4 */
		assert(!is_high || HAS(primary.high, t))	/* P5 */
	:: answer == denied ->
		assert(!was_late || primary.revoked);	/* P4 */
		assert(was_late || primary.revoked || !was_committed ||
			   primary.stepped_up && !HAS(primary.high, t))		/* P7 */
	fi
}

/* Lets go of the rows, and forgets. */
inline end_transaction()
{
	release_locks();
	asked[_pid] = NEVER;
	began[_pid] = NEVER;
	held[_pid] = NEVER;
	my_server = 0;
	was_committed = false;
	was_known = false;
	was_late = false;
	is_high = false;
	rotates = false;
	raises = false;
	ends = false;
	t = NONE;
	child = NONE;
	answer = ok
}

#define TRANSACTION \
	byte t, child, distance, i; \
	mtype answer = ok; \
	bit my_server, was_committed, was_known, was_late, is_high, tries, rotates, raises, ends

/* A transaction commits, unless it is gone, or is rolled back. */
inline end_at_will(is_refresh)
{
	if
	:: answer != gone && !is_gone ->
		commit();
		if
		:: is_refresh -> judge_refresh()
		:: else
		fi;
		trace_end(1)
	:: true -> trace_end(0)
	fi;
	end_transaction()
}

/* Presents any token. */
proctype Caller()
{
	TRANSACTION;

end:
	do
	:: STATEMENT
		{
			atomic
			{
				if
				:: may_call && HAS(told, 1) -> t = 1
				:: may_call && HAS(told, 2) -> t = 2
				:: may_call && HAS(told, 3) -> t = 3
				:: may_call && HAS(told, 4) -> t = 4
				:: may_call && HAS(told, 5) -> t = 5
				:: may_call && HAS(told, 6) -> t = 6
				:: may_call && HAS(told, 7) -> t = 7
				fi;
				trace_call(to_refresh)
			}
			refresh();
			tell()
		}
		atomic { may_end -> end_at_will(true) }
	od
}

/* Proves a second factor. */
proctype Prover()
{
	TRANSACTION;

end:
	do
	:: STATEMENT
		{
			atomic { may_call && !primary.revoked && !primary.stepped_up -> trace_call(to_step_up) }
			step_up();
			tell()
		}
		atomic { may_end -> end_at_will(false) }
	od
}

/* Logs out, or revokes any of the tokens. */
proctype Leaver()
{
	TRANSACTION;

end:
	do
	:: STATEMENT
		{
			atomic { may_call && !primary.revoked -> trace_call(to_log_out) }
			log_out();
			tell()
		}
		atomic { may_end -> end_at_will(false) }
	od
}

#ifdef TABS
byte	jar;					/* what the tabs keep */
bit		in_flight[2], is_older[2], is_overtaken[2];
byte	lost[2];				/* answers in a row */
bit		stepping_up, has_stepped_up;

/*
 * The protocol.  All tabs present what they keep together.  A request takes at most
 * a third of the grace; if its answer has not come by then, the tab asks again at
 * once, and one answer in a row may be lost.  The answer to a later request is not
 * replaced by that to an earlier one.  A step-up whose answer was lost is repeated,
 * and meanwhile nobody asks for a refresh; who was denied then is not logged out.
 */
inline send()
{
	t = jar;
	asked[_pid] = 0;
	in_flight[me] = true;
	is_overtaken[me] = false;
	is_older[me] = false;
	is_older[1 - me] = in_flight[1 - me]
}

inline store()
{
#ifdef BROKEN_JAR
	jar = child;
#else
	if
	:: !is_overtaken[me] -> jar = child
	:: else
	fi;
	if
	:: is_older[1 - me] -> is_overtaken[1 - me] = true
	:: else
	fi;
#endif
	lost[me] = 0
}

/* The transaction ends; after a loss, the answer is gone. */
inline end_request()
{
	if
	:: answer != gone && !is_gone ->
		commit();
		if
		:: !raises -> judge_refresh()
		:: else
		fi
	:: answer != gone && !is_gone && lost[me] < LOSSES ->
		lost[me]++;
		answer = gone
	:: else -> answer = gone
	fi;
	release_locks()
}

/* The answer arrives or not. */
inline receive()
{
	if
	:: answer == ok -> store()
	:: answer == denied ->
		assert(!primary.revoked);			/* P2 */
		assert(t != jar || stepping_up);	/* P2 */
		lost[me] = 0
	:: answer != gone && lost[me] < LOSSES ->
		lost[me]++;
		answer = gone
	:: else
	fi;
	in_flight[me] = false;
	is_lost = (answer == gone);
	end_transaction()
}

proctype Tab(bit me)
{
	TRANSACTION;
	bit is_lost;

end:
	do
	:: atomic { !stepping_up && made < TOKENS -> send() }
again:
		refresh();
		atomic { end_request() }
		atomic
		{
			receive();
			if
			:: is_lost && !stepping_up && made < TOKENS ->
				send();
				goto again
			:: else
			fi
		}
#ifdef STEP_UP
	:: atomic
		{
			!stepping_up && !has_stepped_up && made < TOKENS ->
			stepping_up = true;
			has_stepped_up = true
		}
		do
		:: atomic { made < TOKENS -> send() }
			step_up();
			atomic { end_request() }
			atomic
			{
				receive();
				if
				:: !is_lost -> break
				:: else
				fi
			}
		od;
		stepping_up = false
#endif
	od
}
#endif

inline tick_process(n)
{
	if
	:: asked[n] < NEVER -> asked[n]++
	:: else
	fi;
	if
	:: began[n] < NEVER -> began[n]++
	:: else
	fi;
	if
	:: held[n] < NEVER -> held[n]++
	:: else
	fi
}

inline tick_server(server)
{
	for (n : 0 .. KEPT - 1)
	{
		if
		:: server.age[n] < OLD -> server.age[n]++
		:: else
		fi
	}
	for (n : 1 .. TOKENS)
	{
		if
		:: HAS(server.rotated, n) && server.since[n] < OLD -> server.since[n]++
		:: else
		fi
	}
}

#define must_hurry(n)		(asked[n] >= LATENCY && asked[n] < NEVER)

/* Time passes, but not while a request would take too long. */
proctype Clock()
{
	byte n;

end:
	do
	:: d_step
		{
			may_tick && !(must_hurry(1) || must_hurry(2) || must_hurry(3) || must_hurry(4) || must_hurry(5)) ->
			for (n : 0 .. PIDS - 1)
			{
				tick_process(n)
			}
			tick_server(primary);
#ifdef FAILOVER
			tick_server(standby);
#endif
#ifdef TRACE
			printf("@ tick\n");
#endif
			n = 0
		}
	od
}

/* All that is open ends, and nobody is told. */
inline fail()
{
	has_failed = true;
	row_lock = FREE;
	session_lock = FREE
}

#ifdef FAILOVER
inline copy(to, from)
{
	to.current = from.current;
	for (n : 0 .. KEPT - 1)
	{
		to.earlier[n] = from.earlier[n];
		to.age[n] = from.age[n]
	}
	to.revoked = from.revoked;
	to.stepped_up = from.stepped_up;
	to.committed = from.committed;
	to.rotated = from.rotated;
	to.high = from.high;
	for (n : 1 .. TOKENS)
	{
		to.since[n] = from.since[n]
	}
	n = 0
}

/* The standby catches up now and then, and takes over once. */
proctype Standby()
{
	byte n;

end:
	do
	:: d_step { !has_failed -> copy(standby, primary) }
	:: d_step
		{
			!has_failed ->
			copy(primary, standby);
			fail()
		}
		break
	od
}
#endif

/* A crash loses nothing that was committed. */
proctype Crash()
{
	d_step { fail() }
}

init
{
	byte n;

	atomic
	{
		made = 1;
		generation[1] = 1;
		told = SET(1);
		primary.current = 1;
		primary.committed = SET(1);
		for (n : 0 .. KEPT - 1)
		{
			primary.age[n] = OLD
		}
		for (n : 0 .. PIDS - 1)
		{
			asked[n] = NEVER;
			began[n] = NEVER;
			held[n] = NEVER
		}
		n = 0;
#ifdef FAILOVER
		copy(standby, primary);
		run Standby();
#endif
#if CALLERS > 0
		run Caller();
#endif
#if CALLERS > 1
		run Caller();
#endif
#ifdef TABS
		jar = 1;
		run Tab(0);
		run Tab(1);
#elif defined(STEP_UP)
		run Prover();
#endif
#ifdef LOGOUT
		run Leaver();
#endif
#ifdef CRASH
		run Crash();
#endif
		run Clock()
	}
}
