/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements. All names are qualified: no other schema can put its own in their place.
 * Many rows come as arrays, so that a batch costs as many statements as one entry.
 */
#include "store/postgres_impl.h"

/*
 * STORE_UNFENCED is for one test alone: a program without the fence, which shows that the
 * test notices when it is not there.
 */
#ifdef STORE_UNFENCED
#define LOCK ""
#define STILL "$1::bigint IS NOT NULL AND $2::bigint IS NOT NULL"
#define OR_REPLACE_ENTRY                                                                           \
	" ON CONFLICT (idx) DO UPDATE SET leaf=excluded.leaf,record=excluded.record"
#define OR_REPLACE_NODE " ON CONFLICT (place) DO UPDATE SET hash=excluded.hash"
#define OR_NOTHING " ON CONFLICT DO NOTHING"
#else
#define LOCK " FOR UPDATE"
#define STILL "size=$1::bigint AND generation=$2::bigint AND state<>2"
#define OR_REPLACE_ENTRY ""
#define OR_REPLACE_NODE ""
#define OR_NOTHING ""
#endif

#define HEAD                                                                                       \
	"SELECT state,size,entry_s,not_before_s,generation,sealed,policy,frontier,mac"             \
	" FROM doublekey.head"

/* A size that is no number is refused by its column: the whole transaction fails. */
const char *const pg_sql[PG_STATEMENTS] = {
	[PG_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED",
	[PG_COMMIT] = "COMMIT",
	[PG_ROLLBACK] = "ROLLBACK",
	[PG_LOCK] = HEAD LOCK,
	[PG_LOOK] = HEAD,
	[PG_USE] = "INSERT INTO doublekey.used(created,id) SELECT c,i FROM unnest($1::bigint[],"
		   "$2::bytea[]) WITH ORDINALITY AS t(c,i,n) ORDER BY n"
		   " ON CONFLICT DO NOTHING RETURNING created,id",
	[PG_GET_BUDGETS] = "SELECT id,minute,in_minute,day,in_day FROM doublekey.budget"
			   " WHERE id=ANY($1::bytea[])",
	[PG_PUT_BUDGETS] = "INSERT INTO doublekey.budget(id,minute,in_minute,day,in_day) SELECT *"
			   " FROM unnest($1::bytea[],$2::bigint[],$3::bigint[],$4::bigint[],"
			   "$5::bigint[]) ON CONFLICT (id) DO UPDATE SET minute=excluded.minute,"
			   "in_minute=excluded.in_minute,day=excluded.day,in_day=excluded.in_day",
	[PG_PUT_ENTRIES] = "INSERT INTO doublekey.entry(idx,leaf,record) SELECT * FROM"
			   " unnest($1::bigint[],$2::bytea[],$3::bytea[])" OR_REPLACE_ENTRY,
	[PG_PUT_NODES] = "INSERT INTO doublekey.node(place,hash) SELECT * FROM"
			 " unnest($1::bigint[],$2::bytea[])" OR_REPLACE_NODE,
	[PG_PUT_ACTS] =
	    "INSERT INTO doublekey.act(idx) SELECT * FROM unnest($1::bigint[])" OR_NOTHING,
	[PG_MOVE_ON] = "UPDATE doublekey.head SET size=CASE WHEN " STILL " THEN $3::bigint END,"
		       "generation=$4::bigint,"
		       "entry_s=$5::bigint,policy=$6::bytea,frontier=$7::bytea,"
		       "checkpoint=$8::bytea,mac=$9::bytea",
	[PG_TELL] = "NOTIFY doublekey",
	[PG_GET_NODES] = "SELECT hash FROM unnest($1::bigint[]) WITH ORDINALITY AS t(p,n)"
			 " JOIN doublekey.node ON place=p ORDER BY n",
	[PG_READ] = "SELECT idx,leaf,record FROM doublekey.entry WHERE idx>=$1::bigint"
		    " ORDER BY idx LIMIT $2::bigint",
	[PG_READ_ACTS] = "SELECT idx,leaf,record FROM doublekey.act JOIN doublekey.entry"
			 " USING(idx) WHERE idx>=$1::bigint ORDER BY idx LIMIT $2::bigint",
	[PG_LAST_CHECKPOINT] = "SELECT checkpoint FROM doublekey.head",
	[PG_NOTE_FORGOTTEN] = "UPDATE doublekey.head SET not_before_s=greatest(not_before_s,(SELECT"
			      " max(created)+1 FROM doublekey.used WHERE created<$1::bigint))"
			      " WHERE EXISTS(SELECT 1 FROM doublekey.used"
			      " WHERE created<$1::bigint)",
	[PG_FORGET_USED] = "DELETE FROM doublekey.used WHERE created<$1::bigint",
	[PG_FORGET_BUDGETS] = "DELETE FROM doublekey.budget WHERE day<$1::bigint",
	[PG_PUT_RESTORED] =
	    "UPDATE doublekey.head SET not_before_s=greatest(not_before_s,$1::bigint)",
	[PG_EACH_USED] = "SELECT created,id FROM doublekey.used WHERE (created,id)>"
			 "($1::bigint,$2::bytea) ORDER BY created,id LIMIT $3::bigint",
	[PG_EACH_BUDGET] = "SELECT id,minute,in_minute,day,in_day FROM doublekey.budget"
			   " WHERE id>$1::bytea ORDER BY id LIMIT $2::bigint",
	[PG_GET_SEALED] = "SELECT generation,data,mac FROM doublekey.sealed",
	[PG_PUT_SEALED] = "INSERT INTO doublekey.sealed(one,generation,data,mac) VALUES(true,"
			  "$1::bigint,$2::bytea,$3::bytea) ON CONFLICT (one) DO UPDATE SET"
			  " generation=excluded.generation,data=excluded.data,mac=excluded.mac",
	[PG_MOVE_SEALED] = "UPDATE doublekey.head SET sealed=$1::bigint,"
			   "generation=greatest(generation,$1::bigint),mac=$2::bytea",
	[PG_SET_STATE] = "UPDATE doublekey.head SET state=$1::bigint::smallint",
	[PG_ERASE] = "UPDATE doublekey.entry SET record=r FROM"
		     " unnest($1::bigint[],$2::bytea[]) AS t(i,r) WHERE idx=i",
	[PG_PUT_ERASED] = "UPDATE doublekey.head SET erased=greatest(erased,$1::bigint)",
	[PG_ERASED] = "SELECT erased FROM doublekey.head",
};

/* Stricter than what the server may be set to; what cannot be set is asked for. */
const char pg_session[] =
    "SET search_path='';SET client_min_messages=warning;SET lock_timeout='5s';"
    "SET statement_timeout='8s';SET idle_in_transaction_session_timeout='2s';"
    "SELECT set_config('synchronous_commit',CASE current_setting('synchronous_commit')"
    " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END,false);LISTEN doublekey;"
    "SELECT current_setting('fsync')='on' AND current_setting('full_page_writes')='on',"
    "NOT pg_is_in_recovery(),current_setting('server_version_num')::int>=130000,"
    "to_regclass('doublekey.head') IS NOT NULL";

/* One row in head and sealed. The head is written with each batch: room in its page. */
const char pg_schema[] =
    "BEGIN;CREATE SCHEMA IF NOT EXISTS doublekey;"
    "DROP TABLE IF EXISTS doublekey.head,doublekey.entry,doublekey.node,doublekey.act,"
    "doublekey.used,doublekey.budget,doublekey.sealed;"
    "CREATE TABLE doublekey.head(one boolean PRIMARY KEY DEFAULT true CHECK(one),"
    "log bytea NOT NULL,state smallint NOT NULL,size bigint NOT NULL,frontier bytea NOT NULL,"
    "checkpoint bytea NOT NULL,entry_s bigint NOT NULL,not_before_s bigint NOT NULL,"
    "generation bigint NOT NULL,sealed bigint NOT NULL,policy bytea,mac bytea NOT NULL,"
    "erased bigint NOT NULL DEFAULT 0)WITH(fillfactor=10);"
    "CREATE TABLE doublekey.entry(idx bigint PRIMARY KEY,leaf bytea NOT NULL,"
    "record bytea NOT NULL);"
    "CREATE TABLE doublekey.node(place bigint PRIMARY KEY,hash bytea NOT NULL);"
    "CREATE TABLE doublekey.act(idx bigint PRIMARY KEY);"
    "CREATE TABLE doublekey.used(created bigint,id bytea,PRIMARY KEY(created,id));"
    "CREATE TABLE doublekey.budget(id bytea PRIMARY KEY,minute bigint NOT NULL,"
    "in_minute bigint NOT NULL,day bigint NOT NULL,in_day bigint NOT NULL);"
    "CREATE TABLE doublekey.sealed(one boolean PRIMARY KEY DEFAULT true CHECK(one),"
    "generation bigint NOT NULL,data bytea NOT NULL,mac bytea NOT NULL);COMMIT";
