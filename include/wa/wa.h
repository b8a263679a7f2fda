/* libwa: a WhatsApp multi-device ("linked device") client for any C program.
 *
 * One struct wa_client is one linked number. It lives on the thread of its net_loop, starts no
 * thread and stores nothing by itself. Whatever touches keys or must be remembered is handed to
 * its user as a struct wa_job: the user runs it on a lane, inside a transaction of his store, adds
 * his own rows from the job's events, commits, and gives the job back. Only then does the session
 * acknowledge to WhatsApp. So ratchet, message, counters and event become durable together, and
 * after a crash or a rollback the server sends the same stanza again.
 *
 *     void on_job(struct wa_client *c, struct wa_job *job, void *arg)      (loop)
 *         net_lane_submit(lane_of(arg), work, done, job)
 *
 *     void work(void *job, unsigned worker)                                 (lane)
 *         begin; rc = wa_job_run(job, &keystore);
 *         for (e = wa_job_events(job); e; e = e->next) store(e);
 *         commit or roll back
 *
 *     void done(void *job)                                                  (loop)
 *         wa_job_finish(job, rc)
 */
#ifndef WA_H
#define WA_H

#include "wa/client.h"
#include "wa/event.h"
#include "wa/job.h"
#include "wa/keystore.h"
#include "wa/media.h"
#include "wa/outgoing.h"

#endif
