/* What the network writes to a client. */
#include "sim/core/output.h"
#include "base/err.h"
#include "base/log.h"
#include "sim/core/dump.h"
#include "sim/core/faults.h"

void sim_conn_fail(struct sim_conn *c, int rc)
{
    bx_debug("sim", "connection refused", "error=%s", bx_err_name(rc));
    sim_conn_cut(c);
}

void sim_conn_send(struct sim_conn *c, const struct wa_node *n)
{
    struct bx_buf plain, frame;
    if (c->state == SIM_CONN_CLOSING)
        return;
    if (c->device) {
        if (sim_faults_of(c->device->account)->is_silent) {
            c->sim->stats.silent++;
            return;
        }
        sim_dump_add(c->sim, c->device, false, n);
    }
    bx_buf_init(&plain, 0);
    bx_buf_init(&frame, 0);
    int rc = wa_encode(c->dict, n, &plain);
    if (rc == BX_OK)
        rc = wa_transport_seal(&c->transport, bx_buf_view(&plain), &frame);
    if (rc == BX_OK)
        ws_send(c->ws, true, frame.data, frame.len, false);
    else
        sim_conn_fail(c, rc);
    bx_buf_done(&plain);
    bx_buf_done(&frame);
}

void sim_conn_close(struct sim_conn *c, uint32_t delay_ms)
{
    if (c->state == SIM_CONN_CLOSING)
        return;
    c->state = SIM_CONN_CLOSING;
    net_timer_start(c->sim->loop, &c->timer, delay_ms);
}

void sim_conn_cut(struct sim_conn *c)
{
    c->state = SIM_CONN_CLOSING;
    ws_abort(c->ws);
}
