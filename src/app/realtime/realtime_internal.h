/* Inside realtime_*.c and presence.c only. */
#ifndef WB_REALTIME_INTERNAL_H
#define WB_REALTIME_INTERNAL_H

#include "app/access/access.h"
#include "app/core/chore.h"
#include "app/core/config.h"
#include "app/core/inflight.h"
#include "app/core/limit.h"
#include "app/events/sinks.h"
#include "app/realtime/realtime.h"
#include "app/rest/request.h"
#include "base/map.h"
#include "net/timer.h"
#include "sio/embed.h"

#include <sio/sio.h>

enum { WB_RT_LANES = 64, WB_ROOM_SIZE = 40, WB_NARROW_MAX = 4096 };

struct wb_realtime {
    struct wb_app *app;
    struct sio_server *server;
    struct sio_namespace *ns;
    struct wb_access_observer observer;
    struct wb_sink sink;
    struct wb_chore tidy;
    struct wb_limits *per_socket, *per_user, *abuse;
    struct wb_inflight *answers; /* pages and replays under way */
    struct net_timer look;       /* after readers that some answers wait for */
    struct bx_map users;         /* wb_user_sockets by id */
    struct net_lane lanes[WB_RT_LANES];
    unsigned lane_count, next_lane;
    bool is_closed;
};

/* One socket: who it is and what it hears. Data of the sio_socket. */
struct wb_agent {
    struct wb_realtime *rt;
    struct sio_socket *socket; /* borrowed: it owns this */
    struct wb_principal who;
    char ip[WB_IP_SIZE];
    struct net_timer expiry;
    struct wb_user_sockets *user; /* backpressure.c; NULL: not connected */
    struct bx_list of_user;
    size_t calls;     /* accepted, not yet answered */
    bool is_abusive;  /* is cut with the answer to the last of them */
    bool is_narrowed; /* whatsapp:subscribe chose these numbers; of others nothing is heard */
    int64_t *chosen;
    size_t chosen_count;
    struct wb_resume {
        int64_t number_id, seq;
        bool is_of_other_log; /* its epoch is not that of ours */
    } * resume;
    size_t resume_count;
    int64_t *entering; /* numbers on their way in */
    size_t entering_count;
    struct wb_seen { /* presence that others were told of */
        int64_t number_id;
        char chat[ST_UUID_SIZE];
        bool is_on;
    } viewing, typing;
};

static inline struct sio_str wb_sio(struct bx_str s)
{
    return (struct sio_str){s.ptr, s.len};
}
static inline struct bx_str wb_unsio(struct sio_str s)
{
    return (struct bx_str){s.ptr, s.len};
}

static inline struct wb_agent *wb_agent_of(struct sio_socket *socket)
{
    return sio_socket_data(socket);
}

struct net_lane *wb_realtime_lane(struct wb_realtime *rt);
/* "n:7", with is_link "n:7:link"; `out` holds the name. */
struct sio_str wb_room(int64_t number_id, bool is_link, char out[WB_ROOM_SIZE]);

/* realtime_auth.c */
void wb_realtime_authenticate(struct sio_socket *socket, struct sio_next *next, void *arg);

/* realtime_enter.c */
bool wb_agent_may(const struct wb_agent *a, const struct wb_line *line);
/* It may, and has not narrowed itself to others. */
bool wb_agent_wants(const struct wb_agent *a, const struct wb_line *line);
/* `ids`: JSON array of numbers. Rooms follow with wb_agent_follow. */
void wb_agent_narrow(struct wb_agent *a, struct bx_str ids);
void wb_agent_enter(struct wb_agent *a, struct wb_line *line);
void wb_agent_leave(struct wb_agent *a, int64_t number_id);
/* Leaves what this agent may not hear. Of a recovered socket, in the middleware, also what it was
 * to get back: else recovery would send it what was said there after its permission went. */
void wb_agent_leave_forbidden(struct wb_agent *a);
/* Enters and leaves until the rooms are what this agent may hear. */
void wb_agent_follow(struct wb_agent *a);

/* The QR code now valid, to a socket that may link, while the number waits for its scan. `seq`: 0: none. */
void wb_agent_tell_qr(struct wb_agent *a, const struct wb_line *line, int64_t seq);

/* realtime_calls.c */
void wb_realtime_call(struct sio_socket *socket, const struct sio_event *event, void *arg);

/* presence.c */
void wb_presence_left(struct wb_agent *a);

#endif
