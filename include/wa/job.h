/* A piece of work with keys: a stanza to open, a message to encrypt, keys to make. Created by a
 * session, run by its user on the lane of that number, given back on the loop.
 */
#ifndef WA_JOB_H
#define WA_JOB_H

#include "wa/event.h"
#include "wa/keystore.h"

struct wa_job;

enum { WA_JOB_MORE = 1 };

/* Any thread, before the first run, no transaction: what takes time and needs no keys (a chunk of
 * history is decrypted, inflated and divided). May be left out, then the first run does it. */
void wa_job_prepare(struct wa_job *job);
/* False: there is nothing to prepare. */
bool wa_job_has_preparation(const struct wa_job *job);

/* On whose account it runs: jobs of one turn run in the order of on_job, those of different turns
 * in any order. 0: of the number itself. */
uint64_t wa_job_turn(const struct wa_job *job);

/* Lane thread; jobs of a client one at a time. Reads and writes the
 * keystore inside the caller's transaction. Borrows it for the call.
 *
 * BX_OK: commit. WA_JOB_MORE: commit, then run it again (its events are those of one part, with
 * some hundred messages at most); when a later part fails, finish it with that rc. A message that cannot be decrypted, a malformed stanza or a refused send are BX_OK
 * as well (they have their events and answers). Negative: a failure of the store, roll back; the
 * same job may be run again (in a new transaction), or finished with that rc. */
int wa_job_run(struct wa_job *job, const struct wa_keystore *keystore);

/* After wa_job_run: the events in order, NULL when there are none. */
const struct wa_event *wa_job_events(const struct wa_job *job);

/* Loop thread, after the commit of a run that returned WA_JOB_MORE. True: run it again. False: there
 * is no use any more, finish it with BX_E_CLOSED (what is left comes with the next login). */
bool wa_job_part_done(struct wa_job *job);

/* Loop thread, exactly once per job; takes it. rc: BX_OK after the commit: the session sends
 * receipts and acknowledgements and goes on. Negative: nothing was stored; the session does not
 * acknowledge, reconnects after a pause and gets the same stanza again; a send fails with rc.
 * Also required for jobs of a client that was freed meanwhile. */
void wa_job_finish(struct wa_job *job, int rc);

/* Whose it is. */
struct wa_client;
struct wa_client *wa_job_client(const struct wa_job *job);

/* What it is about, for logs and metrics: "message", "send", "prekeys" ... */
const char *wa_job_name(const struct wa_job *job);

#endif
