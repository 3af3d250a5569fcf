/*
 * one_time.pml
 *	  One-time tokens of one user: links that several redeem at once, codes that are
 *	  guessed, newer tokens, changes of the user's credentials, lost answers, callers
 *	  that roll back.
 *
 * The server is as src/account/redemption.c and one_time_token.c have it.  Each step is
 * one read of committed rows, one statement that may wait for a lock, or the end of
 * a transaction.  A token is redeemed for a new password (RECOVERY), which changes
 * the user's credentials, or else for a session.
 *
 * The promises, with the names that the assertions refer to:
 *
 *	O1	Of all redemptions of a token, one counts.
 *	O2	What is redeemed voids those that were sent before it.
 *	O3	No token outlives a change of the user's credentials, nor does a session that
 *		began by one.
 *	O4	A token that nobody redeemed is good: rolled back attempts, lost answers and
 *		newer tokens leave it so.
 *	O5	Not more codes are tried on a token than it bears.
 *	O6	None is redeemed that had expired when its redemption began.
 *
 * BROKEN_... leave something out of the server, to show that its absence is noticed.
 */

#ifndef TOKENS
#define TOKENS		2			/* up to 6 */
#endif
#ifndef REDEEMERS
#define REDEEMERS	2
#endif
#ifndef GUESSERS
#define GUESSERS	1
#endif
#define SIZE		7
#ifdef TRACE
#define MAX_LIVE	3			/* tokens for one address */
#define MAX_FAILURES	5
#else
#define MAX_LIVE	2
#define MAX_FAILURES	2
#endif
#define FREE		255

mtype = { undecided, ok, denied };
mtype = { by_link, by_code, guess, request, change };

byte	made;					/* tokens are numbered from 1 */
byte	version;				/* of the user's credentials */
byte	version_of[SIZE];
bit	is_sent[SIZE];	/* committed, and with the mailer */
bit		is_consumed[SIZE];
bit		is_expired[SIZE];
byte	failures[SIZE];
bit		has_session;			/* one that a token began, and which lives */

/* Locks: rows of tokens, the user's row, the address's turn for codes */
byte	token_lock[SIZE] = FREE, user_lock = FREE, code_lock = FREE;

/* For the assertions only */
byte	redeemed[SIZE];
byte	tried[SIZE];		/* codes that were compared and counted */

#define is_dead(t)	(is_consumed[t] || is_expired[t] || failures[t] >= MAX_FAILURES || version_of[t] != version)

#define IN(set, n)	(((set) >> (n)) & 1)

/*
 * TRACE lets a statement run until it has to wait, as a server does where nothing
 * happens beside it, and prints what is called, answered and ended, and what is then
 * committed.  test/t/one_time_traces.pl has a server do the same.
 */
#define OF_USER		SIZE
#define OF_CODES	(SIZE + 1)

#ifdef TRACE
byte	caller = FREE;				/* whose statement is not answered yet */
byte	awaited;				/* its lock: that of a token, the user's or the address's */
#define STATEMENT		atomic
#define LOCK_OF(a)		(a == OF_USER -> user_lock : (a == OF_CODES -> code_lock : token_lock[a % SIZE]))
#define may_call		(caller == FREE)
#define may_end			(caller == FREE || awaited != 0 && LOCK_OF(awaited) != FREE)
#define may_expire		(caller == FREE && token_lock[n] == FREE)
#else
#define STATEMENT
#define may_call		true
#define may_end			true
#define may_expire		true
#endif

inline await(lock, number)
{
#ifdef TRACE
	awaited = number;
#endif
	lock == FREE;
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
inline tell(told)
{
#ifdef TRACE
	atomic
	{
		printf("@ answer %d %e\n", _pid, told);
		caller = FREE
	}
#else
	skip
#endif
}

inline trace_end(commits)
{
#ifdef TRACE
	printf("@ end %d %d %d", _pid, commits, version);
	for (n : 1 .. TOKENS)
	{
		printf(" %d:%d:%d", is_sent[n], is_consumed[n], failures[n])
	}
	printf("\n");
	n = 0
#else
	skip
#endif
}

/* One that was sent */
inline choose()
{
	if
	:: is_sent[1] -> t = 1
	:: is_sent[2] -> t = 2
	:: is_sent[3] -> t = 3
	:: is_sent[4] -> t = 4
	:: is_sent[5] -> t = 5
	:: is_sent[6] -> t = 6
	fi
}

#define HAS_SENT	(is_sent[1] || is_sent[2] || is_sent[3] || is_sent[4] || is_sent[5] || is_sent[6])

/* Whether it is live, as ja_one_time_token_is_live() finds */
inline look()
{
	was_expired = is_expired[t];
	earlier = 0;
	for (n : 1 .. TOKENS)
	{
		earlier = earlier | is_sent[n] << n
	}
	n = 0;
	if
	:: is_dead(t) -> answer = denied
	:: else -> answer = undecided
	fi
}

/* consume_one: an update that waits for the row, and then finds it live or changes nothing */
inline consume()
{
	await(token_lock[t], t);
	if
#ifdef BROKEN_CONSUME
	:: false -> skip
#else
	:: is_consumed[t] || knows_expired || failures[t] >= MAX_FAILURES || version_of[t] != version ->
		answer = denied
#endif
	:: else ->
		answer = ok;
		token_lock[t] = _pid
	fi
}

/* consume_siblings: those that are there when it begins, each once its row is free */
inline find_siblings()
{
	siblings = 0;
	for (n : 1 .. TOKENS)
	{
		if
		:: n != t && is_sent[n] && !is_consumed[n] -> siblings = siblings | 1 << n
		:: else
		fi
	}
	n = 0
}

inline lock_siblings()
{
	n = 1;
	do
	:: n <= TOKENS && !IN(siblings, n) -> n++
	:: n <= TOKENS && IN(siblings, n) ->
		atomic
		{
			await(token_lock[n], n);
			token_lock[n] = _pid;
			n++
		}
	:: n > TOKENS -> break
	od;
	n = 0
}

/*
 * What follows from a wrong code, or one that is not good any more: it counts for the
 * user and for the token.
 */
inline lock_counts()
{
	atomic { await(user_lock, OF_USER); user_lock = _pid }
	atomic { await(token_lock[t], t); token_lock[t] = _pid }
	counts = true
}

inline commit_count()
{
	if
	:: counts && !is_consumed[t] && failures[t] < MAX_FAILURES -> failures[t]++
	:: else
	fi
}

inline commit_redemption()
{
	assert(redeemed[t] == 0);				/* O1 */
	assert(!was_expired);					/* O6 */
	redeemed[t]++;
	is_consumed[t] = true;
#ifndef BROKEN_SIBLINGS
	for (n : 1 .. TOKENS)
	{
		if
		:: IN(siblings, n) -> is_consumed[n] = true
		:: else
		fi
	}
#endif
	for (n : 1 .. TOKENS)
	{
		assert(!IN(earlier, n) || is_dead(n))		/* O2 */
	}
	n = 0;
	assert(version_of[t] == version);		/* O3 */
#ifdef RECOVERY
	version++;
	has_session = false
#else
	has_session = true
#endif
}

inline end_transaction()
{
	for (n : 1 .. TOKENS)
	{
		if
		:: token_lock[n] == _pid -> token_lock[n] = FREE
		:: else
		fi
	}
	if
	:: user_lock == _pid -> user_lock = FREE
	:: else
	fi;
	if
	:: code_lock == _pid -> code_lock = FREE
	:: else
	fi;
	n = 0;
	t = 0;
	siblings = 0;
	earlier = 0;
	was_expired = false;
	knows_expired = false;
	counts = false;
	answer = undecided
}

#define TRANSACTION \
	byte t, n, siblings, earlier; \
	bit was_expired, knows_expired, counts; \
	mtype answer = undecided

/* Redeems by the link, or by the right code, for which it takes the address's turn. */
inline redeem()
{
	atomic { may_call && HAS_SENT -> choose() }
	if
	:: trace_call(by_link)
	:: trace_call(by_code);
		atomic { await(code_lock, OF_CODES); code_lock = _pid }
	fi;
	atomic { look() }
	if
	:: answer == undecided ->
#ifndef BROKEN_LOCK
		atomic { await(user_lock, OF_USER); user_lock = _pid }
#endif
		knows_expired = is_expired[t];
		atomic { consume() }
		if
		:: answer == ok ->
			atomic { find_siblings() }
			lock_siblings()
		:: else
		fi
	:: answer == denied && code_lock == _pid -> lock_counts()
	:: else
	fi;
	tell(answer)
}

active [REDEEMERS] proctype Redeemer()
{
	TRANSACTION;

end:
	do
	:: STATEMENT { redeem() }
		/* Before the end, what follows from the redemption is written. */
		atomic
		{
			may_end;
			if
			:: answer == ok ->
				commit_redemption();
				trace_end(1)
			:: answer == denied ->
				assert(is_dead(t));	/* O4 */
				commit_count();
				trace_end(1)
			:: trace_end(0)			/* rolled back */
			fi;
			end_transaction()
		}
	od
}

/* Tries wrong codes, and lets that count. */
inline try_code()
{
	atomic
	{
		may_call && HAS_SENT -> choose();
		trace_call(guess)
	}
#ifdef BROKEN_GUESS
	atomic { look() }
#endif
	atomic { await(code_lock, OF_CODES); code_lock = _pid }
#ifndef BROKEN_GUESS
	atomic { look() }
#endif
	if
	:: answer == undecided ->
		atomic
		{
			tried[t]++;
			assert(tried[t] <= MAX_FAILURES)		/* O5 */
		}
	:: else
	fi;
	lock_counts();
	tell(denied)
}

active [GUESSERS] proctype Guesser()
{
	TRANSACTION;

end:
	do
	:: STATEMENT { try_code() }
		atomic
		{
			may_end;
			commit_count();
			trace_end(1);
			end_transaction()
		}
	od
}

/* Of those that are live for the address, all but the last give way that nobody holds. */
inline consume_oldest()
{
	earlier = 0;
	for (n : 1 .. TOKENS)
	{
		if
		:: n != t && is_sent[n] && !is_consumed[n] && !is_expired[n] -> earlier++
		:: else
		fi
	}
	for (n : 1 .. TOKENS)
	{
		if
		:: n != t && is_sent[n] && !is_consumed[n] && !is_expired[n] ->
			if
			:: earlier >= MAX_LIVE && token_lock[n] == FREE ->
				siblings = siblings | 1 << n;
				token_lock[n] = _pid
			:: else
			fi;
			earlier--
		:: else
		fi
	}
	n = 0;
	earlier = 0
}

/* Asks for another token, before which the oldest may have to give way. */
active proctype Requester()
{
	TRANSACTION;

end:
	do
	:: STATEMENT
		{
			atomic
			{
				may_call && made < TOKENS ->
				made++;
				t = made;
				version_of[t] = version;
				trace_call(request)
			}
			atomic { consume_oldest() }
			tell(ok)
		}
		atomic
		{
			may_end;
			if
			:: is_sent[t] = true;
				for (n : 1 .. TOKENS)
				{
					if
					:: IN(siblings, n) -> is_consumed[n] = true
					:: else
					fi
				}
				trace_end(1)
			:: trace_end(0)			/* rolled back */
			fi;
			end_transaction()
		}
	od
}

/* Changes the password otherwise, which ends the sessions. */
active proctype Changer()
{
	TRANSACTION;

	STATEMENT
	{
		atomic
		{
			may_call;
			trace_call(change)
		}
		atomic { await(user_lock, OF_USER); user_lock = _pid }
		tell(ok)
	}
	atomic
	{
		may_end;
		version++;
		has_session = false;
		trace_end(1);
		end_transaction()
	}
}

active proctype Time()
{
	byte n;

end:
	do
	:: atomic
		{
			n = 1;
			do
			:: is_sent[n] && !is_expired[n] -> break
			:: n < TOKENS -> n++
			:: n == TOKENS -> goto none
			od;
			if
			:: may_expire ->
				is_expired[n] = true;
#ifdef TRACE
				printf("@ expire %d\n", n);
#endif
				skip
			:: else
			fi;
none:
			n = 0
		}
	od
}
