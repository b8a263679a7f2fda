/* A piece of work with keys: a stanza to open, a message to encrypt, keys to make. Created by a
 * session, run by its user on the lane of that number, given back on the loop.
 */
#ifndef WA_JOB_H
#define WA_JOB_H

#include "wa/event.h"
#include "wa/keystore.h"

struct wa_job;

/* Lane thread; jobs of a client one at a time, in the order of on_job. Reads and writes the
 * keystore inside the caller's transaction. Borrows it for the call.
 *
 * BX_OK: commit. A message that cannot be decrypted, a malformed stanza or a refused send are BX_OK
 * as well (they have their events and answers). Negative: a failure of the store, roll back; the
 * same job may be run again (in a new transaction), or finished with that rc. */
int wa_job_run(struct wa_job *job, const struct wa_keystore *keystore);

/* After wa_job_run: the events in order, NULL when there are none. */
const struct wa_event *wa_job_events(const struct wa_job *job);

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
