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
#define TOKENS		2			/* up to 3 */
#endif
#ifndef REDEEMERS
#define REDEEMERS	2
#endif
#ifndef GUESSERS
#define GUESSERS	1
#endif
#define MAX_LIVE	2			/* tokens for one address */
#define MAX_FAILURES	2
#define FREE		255

mtype = { undecided, ok, denied };

byte	made;					/* tokens are numbered from 1 */
byte	version;				/* of the user's credentials */
byte	version_of[4];
bit	is_sent[4];	/* committed, and with the mailer */
bit		is_consumed[4];
bit		is_expired[4];
byte	failures[4];
bit		has_session;			/* one that a token began, and which lives */

/* Locks: rows of tokens, the user's row, the address's turn for codes */
byte	token_lock[4] = FREE, user_lock = FREE, code_lock = FREE;

/* For the assertions only */
byte	redeemed[4];
byte	tried[4];		/* codes that were compared and counted */

#define is_dead(t)	(is_consumed[t] || is_expired[t] || failures[t] >= MAX_FAILURES || version_of[t] != version)

#define IN(set, n)	(((set) >> (n)) & 1)

/* One that was sent */
inline choose()
{
	if
	:: is_sent[1] -> t = 1
	:: is_sent[2] -> t = 2
	:: is_sent[3] -> t = 3
	fi
}

/* Whether it is live, as ja_one_time_token_is_live() finds */
inline look()
{
	was_expired = is_expired[t];
	earlier = is_sent[1] << 1 | is_sent[2] << 2 | is_sent[3] << 3;
	if
	:: is_dead(t) -> answer = denied
	:: else -> answer = undecided
	fi
}

/* consume_one: an update that waits for the row, and then finds it live or changes nothing */
inline consume()
{
	token_lock[t] == FREE;
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

inline lock_sibling(s)
{
	if
	:: IN(siblings, s) -> atomic { token_lock[s] == FREE -> token_lock[s] = _pid }
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
	answer = undecided
}

#define TRANSACTION \
	byte t, n, siblings, earlier; \
	bit was_expired, knows_expired; \
	mtype answer = undecided

/* Redeems by the link, or by the right code, for which it takes the address's turn. */
active [REDEEMERS] proctype Redeemer()
{
	TRANSACTION;

end:
	do
	:: atomic { choose() }
		if
		:: true
		:: atomic { code_lock == FREE -> code_lock = _pid }
		fi;
		atomic { look() }
		if
		:: answer == undecided ->
#ifndef BROKEN_LOCK
			atomic { user_lock == FREE -> user_lock = _pid }
#endif
			knows_expired = is_expired[t];
			atomic { consume() }
			if
			:: answer == ok ->
				atomic { find_siblings() }
				lock_sibling(1);
				lock_sibling(2);
				lock_sibling(3)
			:: else
			fi
		:: else
		fi;
		/* Before the end, what follows from the redemption is written. */
		atomic
		{
			if
			:: answer == ok -> commit_redemption()
			:: answer == denied -> assert(is_dead(t))	/* O4 */
			:: true					/* rolled back */
			fi;
			end_transaction()
		}
	od
}

/* Tries wrong codes, and lets that count. */
active [GUESSERS] proctype Guesser()
{
	TRANSACTION;

end:
	do
	:: atomic { choose() }
#ifdef BROKEN_GUESS
		atomic { look() }
#endif
		atomic { code_lock == FREE -> code_lock = _pid }
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
			atomic { token_lock[t] == FREE -> token_lock[t] = _pid }
		:: else
		fi;
		atomic
		{
			if
			:: answer == undecided && !is_consumed[t] && failures[t] < MAX_FAILURES -> failures[t]++
			:: else
			fi;
			end_transaction()
		}
	od
}

/* Asks for another token, before which the oldest may have to give way. */
active proctype Requester()
{
	TRANSACTION;

end:
	do
	:: atomic
		{
			made < TOKENS ->
			made++;
			t = made;
			version_of[t] = version
		}
		/* consume_oldest: none that others hold */
		atomic
		{
			if
			:: t > MAX_LIVE && !is_dead(t - MAX_LIVE) && token_lock[t - MAX_LIVE] == FREE ->
				siblings = 1 << t - MAX_LIVE;
				token_lock[t - MAX_LIVE] = _pid
			:: else
			fi
		}
		atomic
		{
			if
			:: is_sent[t] = true;
				if
				:: siblings != 0 -> is_consumed[t - MAX_LIVE] = true
				:: else
				fi
			:: true					/* rolled back */
			fi;
			end_transaction()
		}
	od
}

/* Changes the password otherwise, which ends the sessions. */
active proctype Changer()
{
	atomic { user_lock == FREE -> user_lock = _pid }
	atomic
	{
		version++;
		has_session = false;
		user_lock = FREE
	}
}

active proctype Time()
{
	byte n;

end:
	do
	:: atomic
		{
			if
			:: is_sent[1] -> n = 1
			:: is_sent[2] -> n = 2
			:: is_sent[3] -> n = 3
			fi;
			is_expired[n] = true;
			n = 0
		}
	od
}
