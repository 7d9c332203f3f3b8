/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Release: what may happen between judging a request, committing its record and sealing
 * the share, where any process may die at any step. Two nodes with one database, or one
 * node with a file (-DSINGLE).
 *
 * Spec: spec/ipc.md section 4 (APPEND, APPENDED), spec/cluster.md sections 3 and 4,
 * spec/key-service.md sections 3 and 6, spec/custody.md section 3, spec/log.md section 5.
 *
 * httpd and authd are in the attacker's hands: they hand keyd any request, as often as they
 * like, at both nodes, and judge that everything is allowed. keyd, logd and store are
 * honest. A node can be killed at each step. The server takes the lock of a transaction that
 * stands still; who stood still goes on from where it was. The store can lose power, and
 * with it what was not synced.
 *
 * Claims, asserted where the words stand:
 *   unrecorded   no share leaves whose record is not durable at the index that it names
 *   forged       no record of a release, and no release, with a device that did not sign
 *   twice        a signed request is answered with shares once, whatever is replayed where
 *   behind-act   behind the record of a freeze there is no record of a release
 *   fork         what was acknowledged at an index stays there: one tree
 *   lost-act     the kept state never goes back, and has each act that was answered
 *
 * What it abstracts: a request is a number (0 and 1 were signed by the one enrolled device,
 * FORGED was not), which stands for nonce, objects and recipient; a record is its request.
 * One object in a request. Two acts, one at each node: a freeze and another one. The policy
 * in force is fenced in the same transaction as the generation, and left out; so are
 * budgets, denials, heartbeats and the times of requests. A store that is put back as it
 * was is not here. A node works on two requests at a time, where there are two nodes on one; a
 * transaction stores one entry; one crash, one transaction that stands still, one power loss.
 *
 * Each BROKEN_... leaves out one thing; `expected` says which claim fails then.
 */
#ifdef SINGLE
#define NODES 1
#else
#define NODES 2
#endif
#define ACT 2		/* the slot of an act */
#define FORGED 2
#define FREEZE 10
#define OTHER 11
#define NOBODY 9
#define SIZE 6
#define CRASHES 1
#define STANDS 1

/* Codes of APPENDED. */
#define OK 0
#define REFUSED 1
#define STALE 2

/* Where a request or an act of keyd is. */
#define IDLE 0
#define JUDGE 1
#define WAITS 2
#define RECORDED 3

/* The store. */
byte entry[SIZE];	/* 1 + request, FREEZE, OTHER; 0: none */
byte size, synced;
byte head_generation, kept_generation;
bit kept_frozen;
bit used[2];
byte lock = NOBODY;

/* Memory of keyd, gone when it dies. */
typedef Keyd {
	byte generation;
	bit frozen;
	byte at[3], request[3], act_generation;
}
Keyd k[NODES];
bit dead_keyd[NODES], dead_logd[NODES];

chan append[NODES] = [3] of { byte, byte, byte };	/* slot, what, generation */
chan appended[NODES] = [3] of { byte, byte, byte };	/* slot, code, index */

bit released[2], freeze_asked, other_asked, freeze_recorded;
byte crashes, stands, losses;

inline seal(r, index)
{
	assert(r != FORGED);						/* forged */
	assert(index < synced && entry[index] == 1 + r);		/* unrecorded */
	assert(!released[r]);						/* twice */
	released[r] = 1
}

/* The device's signature and the freeze, by keyd's own copy of the state. */
inline judge(n, s)
{
	if
	:: k[n].frozen -> k[n].at[s] = IDLE; k[n].request[s] = 0
#ifndef BROKEN_signature
	:: k[n].request[s] == FORGED -> k[n].at[s] = IDLE; k[n].request[s] = 0
	:: !k[n].frozen && k[n].request[s] != FORGED ->
#else
	:: !k[n].frozen ->
#endif
		append[n]!s, k[n].request[s], k[n].generation;
#ifdef BROKEN_early
		what = k[n].request[s];
		seal(what, size);
		k[n].at[s] = IDLE;
		k[n].request[s] = 0
#else
		k[n].at[s] = WAITS
#endif
	fi
}

/* Cluster 4: a newer state is taken whole. */
inline take_state(n)
{
	k[n].generation = kept_generation;
	k[n].frozen = kept_frozen
}

/* Cluster 4 step 2: the state behind an act is kept if it is the next one. */
inline put_state(g, f)
{
	if
#ifndef BROKEN_put
	:: kept_generation + 1 == g && head_generation == g ->
#else
	:: true ->
#endif
		assert(g > kept_generation);				/* lost-act */
		kept_generation = g;
		kept_frozen = f
#ifndef BROKEN_put
	:: else
#endif
	fi
}

/* An act whose record the log has and the kept state has not, as after a crash. */
inline carry_out()
{
	put_state(head_generation, (kept_frozen || freeze_recorded))
}

#ifdef SINGLE
#ifdef BROKEN_hold
#define HELD(n) false
#else
#define HELD(n) (k[n].at[ACT] != IDLE)
#endif
#else
#define HELD(n) false
#endif

proctype keyd(byte n)
{
	byte s, code, index, what;

start:	atomic {
		!dead_logd[n] && empty(append[n]);
		dead_keyd[n] = 0;
		do
		:: nempty(appended[n]) -> appended[n]?s, code, index
		:: empty(appended[n]) -> break
		od;
		for (s : 0 .. 2) { k[n].at[s] = IDLE; k[n].request[s] = 0 };
		k[n].act_generation = 0
		if
		:: head_generation == kept_generation + 1 -> carry_out()
		:: else
		fi;
		take_state(n);
		s = 0; code = 0; index = 0; what = 0
	}
	do
	:: atomic { k[n].at[0] == IDLE ->
		if
		:: k[n].request[0] = 0
		:: k[n].request[0] = FORGED
		fi;
		k[n].at[0] = JUDGE }
#ifdef SINGLE
	:: atomic { k[n].at[1] == IDLE -> k[n].request[1] = 1; k[n].at[1] = JUDGE }
	:: atomic { k[n].at[1] == JUDGE && !HELD(n) -> judge(n, 1) }
#endif
	:: atomic { k[n].at[0] == JUDGE && !HELD(n) -> judge(n, 0) }

	/* An operator. */
	:: atomic { n == 0 && k[n].at[ACT] == IDLE && !freeze_asked ->
		freeze_asked = 1; k[n].request[ACT] = FREEZE; k[n].at[ACT] = WAITS;
		k[n].act_generation = k[n].generation;
		append[n]!ACT, FREEZE, k[n].generation }
	:: atomic { n == NODES - 1 && k[n].at[ACT] == IDLE && !other_asked ->
		other_asked = 1; k[n].request[ACT] = OTHER; k[n].at[ACT] = WAITS;
		k[n].act_generation = k[n].generation;
		append[n]!ACT, OTHER, k[n].generation }

	:: atomic { appended[n]?s, code, index ->
		if
		:: s != ACT && code == OK ->
			what = k[n].request[s];
			seal(what, index);
			k[n].at[s] = IDLE;
			k[n].request[s] = 0
		:: s != ACT && code == STALE -> k[n].at[s] = JUDGE
		:: s == ACT && code == OK -> k[n].at[s] = RECORDED
		:: else -> k[n].at[s] = IDLE; k[n].request[s] = 0
		fi;
		s = 0; code = 0; index = 0; what = 0 }
	/* Step 2 of an act, which may come late. */
	:: atomic { k[n].at[ACT] == RECORDED ->
		what = k[n].act_generation + 1;
		code = (k[n].frozen || k[n].request[ACT] == FREEZE);
		put_state(what, code);
		take_state(n);
		k[n].at[ACT] = IDLE; k[n].request[ACT] = 0; k[n].act_generation = 0; what = 0; code = 0 }
#ifndef SINGLE
	:: atomic { k[n].at[ACT] == IDLE && kept_generation > k[n].generation -> take_state(n) }
	:: atomic { k[n].at[ACT] == IDLE && head_generation == kept_generation + 1 &&
		k[n].generation == kept_generation -> carry_out(); take_state(n) }
#endif
	od unless { dead_keyd[n] };
	goto start
}

/* What is not needed any more is zero, so that there are fewer states. */
#define FORGET s = 0; what = 0; g = 0; at = 0; ours = 0

proctype logd(byte n)
{
	byte s, what, g, at;
	bit ours;

start:	atomic {
		dead_logd[n] = 0;
		do
		:: nempty(append[n]) -> append[n]?s, what, g
		:: empty(append[n]) -> break
		od;
		FORGET
	}
	do
	:: atomic { append[n]?s, what, g -> ours = 0 }
#ifdef BROKEN_ack
		appended[n]!s, OK, size;
#endif
		/* 1: the lock, the head, what is refused. */
		atomic { lock == NOBODY -> lock = n; at = size; ours = 1 };
		if
#if !defined(SINGLE) && !defined(BROKEN_generation)
		:: atomic { g != head_generation -> lock = (lock == n -> NOBODY : lock) };
			atomic { appended[n]!s, STALE, 0; FORGET }
		:: atomic { g == head_generation && what < FREEZE && used[what % 2] ->
#else
		:: atomic { what < FREEZE && used[what % 2] ->
#endif
			lock = (lock == n -> NOBODY : lock) };
			atomic { appended[n]!s, REFUSED, 0; FORGET }
#if !defined(SINGLE) && !defined(BROKEN_generation)
		:: g == head_generation && (what >= FREEZE || !used[what % 2]) ->
#else
		:: what >= FREEZE || !used[what % 2] ->
#endif
			/* 2 to 4: entry, request and head, in one commit. */
			if
#ifndef BROKEN_fence
			:: atomic { lock != n -> ours = 0 }
			:: atomic { lock == n ->
#else
			:: atomic { true ->
#endif
				assert(what != FORGED);			/* forged */
				assert(entry[at] == 0);			/* fork */
				assert(what >= FREEZE || !freeze_recorded);	/* behind-act */
				entry[at] = (what >= FREEZE -> what : 1 + what);
				size = at + 1;
				if
				:: what >= FREEZE -> head_generation++
#ifndef BROKEN_nonce
				:: what < FORGED -> used[what] = 1
#endif
				:: else
				fi;
				freeze_recorded = (freeze_recorded || what == FREEZE);
#ifndef BROKEN_sync
				synced = size;
#endif
				lock = (lock == n -> NOBODY : lock) }
			fi;
#ifndef BROKEN_ack
			atomic { appended[n]!s, (ours -> OK : REFUSED), (ours -> at : 0); FORGET }
#else
			FORGET
#endif
		fi
	od unless { dead_logd[n] };
	goto start
}

/* The parent ends all processes of a set when one of them dies. */
proctype world()
{
	byte n;

	do
	:: atomic { crashes < CRASHES -> crashes++;
		select (n : 0 .. NODES - 1);
		dead_keyd[n] = 1; dead_logd[n] = 1;
		lock = (lock == n -> NOBODY : lock) }
#ifndef SINGLE
	:: atomic { stands < STANDS && lock != NOBODY -> stands++; lock = NOBODY }
#endif
#ifdef BROKEN_sync
	:: atomic { losses < 1 -> losses++;
		lock = NOBODY;
		/* The cache of a disk that forgets. */
		do
		:: size > synced -> size--; entry[size] = 0
		:: else -> break
		od }
#endif
	od
}

init {
	atomic {
		run keyd(0);
		run logd(0);
#ifndef SINGLE
		run keyd(1);
		run logd(1);
#endif
		run world()
	}
}
