/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Mode strict: a log process in the attacker's hands, which has the log's keys, asks
 * witnesses for cosignatures on any tree, and acknowledges to keyd whatever it likes.
 *
 * Spec: spec/log.md section 17, spec/ipc.md section 6.1, spec/witness.md.
 *
 * Claims, asserted where the words stand:
 *   outside      a share that was released has its leaf in the tree that the others see:
 *                of two trees that a quorum cosigned, one is the beginning of the other
 *   unproved     a share leaves only if its leaf is in the tree that keyd was shown
 *
 * BAD of the WITNESSES have cosigned everything; the others keep the newest tree that they cosigned,
 * and cosign what it is the beginning of (spec/log.md section 8.5). Both claims hold while
 * BAD < 2 * QUORUM - WITNESSES: then two quorums have an honest witness in common. From
 * there on they do not, although the bad ones alone are no quorum.
 *
 * What it abstracts: signatures hold or do not. A tree is a list of at most two leaves, and
 * a consistency proof is the comparison of the lists. Leaf 1 is that of the one release
 * which keyd waits for, 2 and 3 are any others; others never see more than what a quorum
 * cosigned. Clients that compare what they have seen (spec/log.md section 14) are not here:
 * they find afterwards what this is to prevent.
 *
 * Each BROKEN_... leaves out one thing; `expected` says which claim fails then.
 */
#ifndef WITNESSES
#define WITNESSES 3
#endif
#ifndef QUORUM
#define QUORUM 2
#endif
#ifndef BAD
#define BAD 0
#endif
#define LEAF 1

/* A tree is first + 4 * second; 0 is the empty leaf. */
#define TREES 16
#define FIRST(t) ((t) % 4)
#define SECOND(t) ((t) / 4)
#define IS_TREE(t) (FIRST(t) != 0 && FIRST(t) != SECOND(t))
#define BEGINS(a, b) ((a) == 0 || (a) == (b) || ((SECOND(a) == 0) && FIRST(a) == FIRST(b)))
#define HAS(t, leaf) (FIRST(t) == (leaf) || SECOND(t) == (leaf))

byte kept[WITNESSES - BAD];		/* the newest tree that this witness cosigned */
byte lines[TREES];		/* a bit for each honest witness: its cosignature on this tree */
byte seen;			/* the largest tree that others got with its quorum */
bit released;

#define BIT(mask, i) (((mask) >> (i)) & 1)
#define COUNT(mask) (BAD + BIT(mask, 0) + BIT(mask, 1) + BIT(mask, 2) + BIT(mask, 3))

/* The honest witness w is asked for the tree t, which the log has signed. */
inline cosign(w, t)
{
	if
#ifndef BROKEN_consistency
	:: BEGINS(kept[w], t) ->
#else
	:: true ->
#endif
		kept[w] = t;
		lines[t] = lines[t] | (1 << w)
#ifndef BROKEN_consistency
	:: else
#endif
	fi
}

/* What keyd was told: the leaf is in the tree t, which has these lines. */
inline acknowledged(t)
{
	if
	:: !released &&
#ifndef BROKEN_inclusion
		HAS(t, LEAF) &&
#endif
#ifndef BROKEN_quorum
		COUNT(lines[t]) >= QUORUM &&
#endif
		true ->
		released = 1;
		assert(HAS(t, LEAF));					/* unproved */
		assert(BEGINS(seen, t) || BEGINS(t, seen));		/* outside */
		if
		:: BEGINS(seen, t) -> seen = t
		:: else
		fi
	:: else
	fi
}

inline looks(t)
{
	if
	:: COUNT(lines[t]) >= QUORUM ->
		assert(BEGINS(seen, t) || BEGINS(t, seen));		/* outside */
		if
		:: BEGINS(seen, t) -> seen = t
		:: else
		fi
	:: else
	fi
}

active proctype attacker()
{
	byte w, t;

	do
	:: atomic { select (t : 1 .. TREES - 1); select (w : 0 .. WITNESSES - BAD - 1) };
		if
		:: atomic { IS_TREE(t) -> cosign(w, t) }
		:: atomic { IS_TREE(t) -> acknowledged(t) }
		:: atomic { IS_TREE(t) -> looks(t) }
		:: atomic { !IS_TREE(t) -> skip }
		fi;
		atomic { w = 0; t = 0 }
	od
}
