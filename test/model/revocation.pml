/*
 * revocation.pml
 *	  How a revocation reaches backends that remember verified tokens, on the primary
 *	  and on a standby that lags.
 *
 * The backends are as src/token/revocation.c and token_cache.c have it: an entry of
 * the cache counts while the counter of invalidations is what it was before the
 * session's row was read.  PostgreSQL makes a commit visible first and then sends its
 * invalidations; a backend receives them when its transaction begins, and may receive
 * them at any time within it.  A standby does both when it replays the commit.
 *
 * The promises:
 *
 *	R1	No transaction that begins once a revocation is known to its server accepts a
 *		token of the session.
 *	R2	No token of a session that was rolled back is accepted after that.
 *	R3	Nothing that a standby accepts was never valid on the primary.
 *
 * BROKEN_... leave something out of the server, to show that its absence is noticed.
 */

#define BACKENDS	3			/* two of the primary, and one of the standby */
#define STANDBY		2

mtype = { absent, live, revoked };

mtype	row[2] = absent;		/* committed, by server */
bit		is_known[2];			/* that the session has ended, by server */
bit		was_live, was_undone;
bit		is_pending[BACKENDS];	/* an invalidation was sent, and not received yet */
byte	counter[BACKENDS];

#define SERVER(backend)	((backend) / STANDBY)

inline receive()
{
	if
	:: is_pending[me] ->
		is_pending[me] = false;
		counter[me]++
	:: else
	fi
}

/* The session begins in a transaction of backend 0, which may look at it before the end. */
#define sees(backend)	((backend) == 0 && is_own -> live : row[SERVER(backend)])

proctype Backend(byte me)
{
	mtype	found, snapshot;
	byte	kept, before;
	bit		has_entry, is_own, ended_before;

end:
	do
	:: atomic
		{
			/* A transaction begins. */
			receive();
			ended_before = is_known[SERVER(me)];
			snapshot = row[SERVER(me)];
			if
			:: me == 0 && row[0] == absent && !was_undone -> is_own = true
			:: true
			fi
		}
		/* What others do meanwhile may be received. */
		atomic
		{
			if
			:: receive()
			:: true
			fi
		}
		if
		:: atomic
			{
				has_entry && kept == counter[me] ->
				found = live
			}
		:: atomic { else -> has_entry = false }
#ifdef BROKEN_ORDER
			atomic { found = sees(me) }
			atomic
			{
				receive();
				before = counter[me]
			}
#else
			before = counter[me];
			atomic
			{
				if
				:: receive()
				:: true
				fi
			}
#ifdef BROKEN_SNAPSHOT
			atomic { found = (is_own -> live : snapshot) }
#else
			atomic { found = sees(me) }
#endif
#endif
			atomic
			{
				if
#ifdef BROKEN_OWN_ROW
				:: found == live ->
#else
				:: found == live && !is_own ->
#endif
					has_entry = true;
					kept = before
				:: else
				fi
			}
		fi;
		atomic
		{
			if
			:: found == live ->
				assert(!ended_before);						/* R1 */
				assert(is_own || was_live)					/* R2, R3 */
			:: else
			fi;
			if
			:: is_own ->
				row[0] = live;
				was_live = true
			:: is_own -> was_undone = true
			:: !is_own
			fi;
			is_own = false;
			found = absent;
			snapshot = absent;
			before = 0;
			ended_before = false
		}
	od
}

/* Ends the session, and is told so. */
proctype Revoker()
{
	row[0] == live;
#ifdef BROKEN_EARLY
	atomic
	{
		is_pending[0] = true;
		is_pending[1] = true
	}
	row[0] = revoked;
#else
	row[0] = revoked;
	atomic
	{
		is_pending[0] = true;
		is_pending[1] = true
	}
#endif
	is_known[0] = true
}

/* Replays each commit, some time later. */
proctype Replay()
{
	row[0] != absent;
	row[1] = live;
	row[0] == revoked;
	row[1] = revoked;
	is_pending[STANDBY] = true;
	is_known[1] = true
}

init
{
	atomic
	{
		run Backend(0);
		run Backend(1);
		run Backend(2);
		run Revoker();
		run Replay()
	}
}
