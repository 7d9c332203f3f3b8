/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * A release of Microsoft's protocol: what may happen between the confirmation or session of a
 * person, the judgement of a request, its record and its answer, where all processes may die at
 * any step. The gate is `confirmation`, which is bound, or with -DAMBIENT `presence`.
 *
 * Spec: spec/profiles/ms-dke.md sections 3.2, 6, 7 and 8, spec/profiles/ms-dke-pages.md section 5,
 * spec/ipc.md section 4.
 *
 * The attacker has the key that signs tokens: requests of everybody, for any document, from any
 * address, as often as they like. He has seen what the person signed on the page and sends it again,
 * as he sends what nobody signed. authd judges by what keyd told it, which may be old; with -DAUTHD it
 * is his and names any gate, or says that one held of which keyd knows nothing. httpd is honest
 * about addresses; keyd and logd are honest.
 *
 * Claims, asserted where the words stand:
 *   unrecorded   no answer whose record, of this request and its gate, is not durable
 *   ungated      no answer without a confirmation for exactly this person, document and address,
 *                or an open session of this person at this address
 *   twice        a signature is one confirmation or session, and a confirmation is answered once,
 *                whatever is sent again and whoever dies
 *   late         no gate holds behind its time
 *   behind-act   behind the record of a freeze, a revocation of the authenticator, a disabled
 *                version or the end of a session there is no record of a release that rests on it
 *   canary       behind the acknowledged denial of a canary document nothing is let through
 *   over-budget  there are no more records of releases than the budget allows
 *   untold       the record names the gate that held
 *
 * What it abstracts: a request is one of five, of which each but the first differs from what
 * the person means in one thing, as it says; signatures hold or do not. One person has an
 * authenticator and signs at most SIGNED acts and one end of a session. What keyd tells authd
 * arrives at some time. Denials but the canary's have no record. One node, one key, one rule;
 * two requests, two acts on the page one behind the other, an act of an operator and one for the
 * canary, one crash.
 * What comes out of a value is not here (formal/proverif/dke.pv), nor is a store that was put back.
 *
 * Each BROKEN_... leaves out one thing; `expected` says which claim fails then.
 */
#define MEANT 0			/* what the person asks for, and confirms */
#define OTHER_PERSON 1
#define OTHER_DOCUMENT 2
#define OTHER_ADDRESS 3
#define CANARY 4
#define SIGNED 2
#define FORGED SIGNED		/* an act that nobody signed */
#define CLOSE (SIGNED + 1)	/* the end of a session, signed as well */

#define ASKED_MAX 2
#ifdef AUTHD
#define PAGES_MAX 1
#else
#define PAGES_MAX 2
#endif
#ifndef BUDGET
#define BUDGET 2
#endif
#define CRASHES 1
#define SIZE 7

/* Records: 1 + request of a release, or these. */
#define GIVEN 10		/* a confirmation, or a session that was opened */
#define CLOSED 11
#define DENIED 12
#define FREEZE 13
#define REVOKE 14
#define DISABLE 15

/* Where something of keyd is; the slots of requests are 0 and 1. */
#define IDLE 0
#define JUDGE 1
#define READY 2
#define WAITS 3
#define PAGE 2
#define ACT 3

/* Codes of APPENDED. */
#define OK 0
#define REFUSED 1

#ifdef AMBIENT
#define COVERS(r) (r == MEANT || r == OTHER_DOCUMENT)
#else
#define COVERS(r) (r == MEANT)
#endif
/* The gate that keyd has is that of a request. */
#ifdef BROKEN_person
#define FITS(r) (COVERS(r) || r == OTHER_PERSON)
#elif defined(BROKEN_document)
#define FITS(r) (COVERS(r) || r == OTHER_DOCUMENT)
#elif defined(BROKEN_address)
#define FITS(r) (COVERS(r) || r == OTHER_ADDRESS)
#else
#define FITS(r) COVERS(r)
#endif

/* What is durable: the log, with the gate that a record names (1 + index of its record), the
 * counters that go with it, and keyd's sealed state. */
byte entry[SIZE], names[SIZE];
byte size, spent;
bit signature_used[SIGNED + 2];
bit kept_frozen, kept_revoked, kept_disabled;

/* Memory of keyd. */
byte at[4], request[4], named[2];
byte gate;			/* 1 + index of the record of the gate that holds, or 0 */
bit gate_over, canary, frozen, revoked, disabled;
bit seen[2];			/* judged by the state that is now */
/* Memory of authd. */
byte heard;

chan append = [4] of { byte, byte, byte };	/* slot, record, gate that it names */
chan appended = [4] of { byte, byte, byte };	/* slot, code, index */

/* What happened. */
byte took[2];			/* the gate that was looked up for a request */
bit answered[SIZE], given[FORGED];
bit freeze_recorded, revoke_recorded, disable_recorded, close_recorded;
bit canary_seen, act_asked;
byte asked, pages, crashes;

/* ---- keyd ---- */

inline forget(s)
{
	at[s] = IDLE; request[s] = 0;
	if
	:: s < PAGE -> named[s] = 0; took[s] = 0; seen[s] = 0
	:: else
	fi
}

/* 200. */
inline answer(s, index)
{
	assert(index < size && entry[index] == 1 + request[s]);		/* unrecorded */
	assert(names[index] == took[s]);					/* untold */
#if !defined(AUTHD) || defined(FULL)
	assert(took[s] != 0);						/* ungated */
#endif
	if
	:: took[s] != 0 ->
		assert(entry[took[s] - 1] == GIVEN && COVERS(request[s]));	/* ungated */
#ifndef AMBIENT
		assert(!answered[took[s] - 1]);				/* twice */
		answered[took[s] - 1] = 1
#endif
	:: else
	fi
}

/* Step 5: freeze and states, in a thread of the pool. */
inline check(s)
{
	if
	:: frozen || disabled -> forget(s)
#ifndef BROKEN_canary
	:: canary -> forget(s)
	:: else -> at[s] = READY; seen[s] = 1
#else
	:: else -> at[s] = READY; seen[s] = 1
#endif
	fi
}

#ifdef BROKEN_time
#define IN_TIME true
#else
#define IN_TIME (!gate_over)
#endif
#ifdef BROKEN_revoked
#define ACTIVE true
#else
#define ACTIVE (!revoked)
#endif
#ifdef BROKEN_root
#define IS_NAMED(s) true
#else
#define IS_NAMED(s) (gate == named[s])
#endif

/* keyd's own look at the gate that authd named. */
inline take(s)
{
	if
#ifdef BROKEN_look
	:: true -> took[s] = named[s]
#else
	:: named[s] == 0 -> took[s] = 0
	:: named[s] != 0 && gate != 0 && IS_NAMED(s) && FITS(request[s]) && IN_TIME && ACTIVE ->
		assert(!gate_over);						/* late */
		took[s] = gate;
#if !defined(AMBIENT) && !defined(BROKEN_once)
		gate = 0; gate_over = 0
#endif
	:: else -> forget(s)
#endif
	fi
}

inline send(s)
{
	take(s);
	if
	:: at[s] == READY ->
		assert(!canary_seen);						/* canary */
		append!s, 1 + request[s], named[s];
#ifdef BROKEN_early
		answer(s, size);
		forget(s)
#else
		at[s] = WAITS
#endif
	:: else
	fi
}

/* An act that is on its way to the log may stand there in front. */
#ifdef BROKEN_hold
#define HELD false
#else
#define HELD (at[ACT] != IDLE)
#endif

/* What was judged before an act is judged anew. */
inline judged_anew()
{
#ifndef BROKEN_anew
	seen[0] = 0; seen[1] = 0
#else
	skip
#endif
}

/* The state behind an act, sealed. */
inline carry_out(what)
{
	frozen = (frozen || what == FREEZE);
	revoked = (revoked || what == REVOKE);
	disabled = (disabled || what == DISABLE);
	kept_frozen = frozen; kept_revoked = revoked; kept_disabled = disabled;
#ifndef BROKEN_revoked
	if
	:: what == REVOKE -> gate = 0; gate_over = 0
	:: else
	fi;
#endif
	judged_anew()
}

inline page_logged(index)
{
	if
	:: request[PAGE] == CLOSE
	:: request[PAGE] != CLOSE && ACTIVE -> gate = index + 1; gate_over = 0
	:: else
	fi
}

/* An act on the page: its signature, and that its authenticator is not revoked. */
inline page_act()
{
	if
#ifndef BROKEN_signature
	:: request[PAGE] == FORGED || revoked || frozen -> forget(PAGE)
	:: request[PAGE] != FORGED && !revoked && !frozen ->
#else
	:: revoked || frozen -> forget(PAGE)
	:: !revoked && !frozen ->
#endif
		if
		:: request[PAGE] == CLOSE ->
#ifndef BROKEN_close
			/* From here on, not from its record on: a release may be on its way behind it. */
			gate = 0; gate_over = 0;
#endif
			append!PAGE, CLOSED, CLOSE
		:: else -> append!PAGE, GIVEN, request[PAGE]
		fi;
		at[PAGE] = WAITS
	fi
}

active proctype keyd()
{
	byte s, code, index;

end:	do
	:: atomic { at[0] == JUDGE -> check(0) }
	:: atomic { at[1] == JUDGE -> check(1) }
	:: atomic { at[0] == READY && !HELD ->
		if
		:: seen[0] -> send(0)
		:: else -> at[0] = JUDGE
		fi }
	:: atomic { at[1] == READY && !HELD ->
		if
		:: seen[1] -> send(1)
		:: else -> at[1] = JUDGE
		fi }
	:: atomic { at[PAGE] == JUDGE -> page_act() }
	/* An operator, or what a canary asked for. */
	:: atomic { at[ACT] == IDLE && !act_asked -> act_asked = 1;
		if
		:: request[ACT] = FREEZE
		:: request[ACT] = REVOKE
		:: request[ACT] = DISABLE
		fi;
		at[ACT] = WAITS;
		append!ACT, request[ACT], 0 }
	:: atomic { at[ACT] == IDLE && canary && !frozen ->
		request[ACT] = FREEZE; at[ACT] = WAITS;
		append!ACT, FREEZE, 0 }
	:: atomic { gate != 0 && !gate_over -> gate_over = 1 }
	:: atomic { appended?s, code, index ->
		if
		:: code != OK
		:: code == OK && s < PAGE && request[s] == CANARY ->
			canary = !frozen; canary_seen = 1; judged_anew()
		:: code == OK && s < PAGE && request[s] != CANARY -> answer(s, index)
		:: code == OK && s == PAGE -> page_logged(index)
		:: code == OK && s == ACT -> carry_out(request[ACT])
		fi;
		forget(s);
		s = 0; code = 0; index = 0 }
	od
}

/* ---- logd ---- */

inline commit(what, n)
{
	assert(what != GIVEN || n != FORGED);					/* ungated */
	assert(what >= GIVEN || !freeze_recorded && !disable_recorded);		/* behind-act */
	assert(what >= GIVEN || n == 0 || !revoke_recorded && !close_recorded);	/* behind-act */
	assert(what >= GIVEN || spent < BUDGET);				/* over-budget */
	if
	:: what == GIVEN && n != FORGED ->
		assert(!given[n]);						/* twice */
		given[n] = 1
	:: else
	fi;
	entry[size] = what;
	names[size] = (what < GIVEN -> n : 0);
	size++;
	spent = (what < GIVEN -> spent + 1 : spent);
	freeze_recorded = (freeze_recorded || what == FREEZE);
	revoke_recorded = (revoke_recorded || what == REVOKE);
	disable_recorded = (disable_recorded || what == DISABLE);
	close_recorded = (what == CLOSED || close_recorded && what != GIVEN);
#ifndef BROKEN_nonce
	if
	:: what == GIVEN || what == CLOSED -> signature_used[n] = 1
	:: else
	fi
#endif
}

#define IS_USED ((what == GIVEN || what == CLOSED) && signature_used[n])
#ifdef BROKEN_budget
#define IS_SPENT false
#else
#define IS_SPENT (what < GIVEN && spent >= BUDGET)
#endif

active proctype logd()
{
	byte s, what, n;

end:	do
	:: atomic { nempty(append) ->
#ifdef BROKEN_ack
		append?<s, what, n>;
		appended!s, OK, size }
		atomic { nempty(append) -> append?s, what, n;
		if
		:: IS_USED || IS_SPENT
		:: else -> commit(what, n)
		fi;
#else
		append?s, what, n;
		if
		:: IS_USED || IS_SPENT -> appended!s, REFUSED, 0
		:: else -> commit(what, n); appended!s, OK, size - 1
		fi;
#endif
		s = 0; what = 0; n = 0 }
	od
}

/* ---- everybody else ---- */

/* authd: what a request gets that the attacker, or the person, makes. */
inline judge(s, r)
{
	request[s] = r;
	if
	:: r == CANARY -> append!s, DENIED, 0; at[s] = WAITS
#ifdef AUTHD
	:: r != CANARY -> named[s] = 0; at[s] = JUDGE
	:: r != CANARY && size > 0 -> named[s] = size; at[s] = JUDGE
#else
	:: r != CANARY && heard != 0 && FITS(r) -> named[s] = heard; at[s] = JUDGE
	/* 403, gate. */
	:: r != CANARY && (heard == 0 || !FITS(r)) -> request[s] = 0
#endif
	fi
}

active proctype httpd()
{
	byte s, r;

end:	do
	:: atomic { asked < ASKED_MAX && (at[0] == IDLE || at[1] == IDLE) -> asked++;
		s = (at[0] == IDLE -> 0 : 1);
		select (r : MEANT .. CANARY);
		judge(s, r);
		s = 0; r = 0 }
	:: atomic { pages < PAGES_MAX && at[PAGE] == IDLE -> pages++;
#ifdef AMBIENT
		select (r : 0 .. CLOSE);
#else
		select (r : 0 .. FORGED);
#endif
		request[PAGE] = r; at[PAGE] = JUDGE; r = 0 }
	:: atomic { heard != gate -> heard = gate }
	od
}

/* The parent ends all processes when one of them dies. What is in memory is gone. */
active proctype world()
{
	atomic { crashes < CRASHES -> crashes++;
		do
		:: nempty(append) -> append?_, _, _
		:: empty(append) -> break
		od;
		do
		:: nempty(appended) -> appended?_, _, _
		:: empty(appended) -> break
		od;
		forget(0); forget(1); forget(PAGE); forget(ACT);
		canary = 0; canary_seen = 0;
		heard = 0; gate_over = 0;
#ifndef BROKEN_memory
		gate = 0;
#else
		/* From the log, which does not say what was used. */
		gate = 0;
		do
		:: crashes <= size && entry[crashes - 1] == GIVEN -> gate = crashes; break
		:: crashes <= size && entry[crashes - 1] != GIVEN -> crashes++
		:: crashes > size -> break
		od;
		crashes = CRASHES;
#endif
#ifndef BROKEN_anchor
		/* An act that the log has and the sealed state has not. */
		kept_frozen = freeze_recorded; kept_revoked = revoke_recorded;
		kept_disabled = disable_recorded;
#endif
		frozen = kept_frozen; revoked = kept_revoked; disabled = kept_disabled }
}
