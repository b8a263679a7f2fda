/* Every setting of waboxd, one row each (config.c). Precedence: flags, environment, .env file,
 * default.
 */
#ifndef WB_CONFIG_H
#define WB_CONFIG_H

#include "base/conf.h"

#include <stdbool.h>
#include <stdint.h>

struct wb_config {
    /* where it listens and what it is called from outside */
    int64_t port;
    const char *host;
    const char *frontend_url; /* comma list of origins */
    const char *public_url;   /* NULL: taken from the request */
    const char *tls_cert, *tls_key;
    bool trust_proxy;

    /* identity */
    const char *data_dir;
    const char *jwt_secret; /* NULL: generated once into the data directory */
    int64_t jwt_expires_ms;
    const char *admin_username, *admin_email, *admin_password;
    int64_t login_per_account, login_per_ip, login_window_ms;

    /* product rules */
    int64_t default_country_code;
    const char *numbers_visible;  /* "all", "permitted" */
    const char *whatsapp;         /* WABOX_WHATSAPP: "live", "off" or the simulator's host:port */
    const char *whatsapp_root;    /* 64 hex digits; NULL: a simulator's chain is not checked */
    const char *whatsapp_version; /* "2.3000.x"; NULL: the built-in one */
    const char *whatsapp_ca;      /* PEM file for wss:// and downloads; NULL: the system's */
    bool is_demo;

    /* size and speed */
    int64_t workers, hashers;
    int64_t max_connections, max_connections_per_ip, max_body_bytes;
    int64_t rate_per_second, rate_burst, rate_ip_per_second, socket_rate_per_second;
    int64_t ping_interval_ms, ping_timeout_ms;

    /* how long things are kept */
    int64_t event_retention_ms, event_retention_count, audit_retention_ms, idempotency_retention_ms;
    int64_t janitor_interval_ms;

    /* files */
    const char *media_store; /* "dir:…", "s3://…"; NULL: in the data directory */
    const char *s3_access_key, *s3_secret_key;
    int64_t media_auto_max, media_max_document, media_link_ttl_ms;

    const char *log_level, *log_format;
    int64_t shutdown_grace_ms;

    struct bx_conf conf; /* owns the texts */
    char **args;         /* as given, for wb_config_reload; the texts are main's */
    int arg_count;
};

/* Defaults, then the file (--env-file=PATH, else ".env" if there is one), environment and flags.
 * `message` gets a sentence with the line to fix. BX_E_INVALID. *out_rest counts the arguments that
 * are not flags, moved to the front of argv. wb_config_done in every case. */
int wb_config_load(struct wb_config *c, int argc, char **argv, int *out_rest,
                   struct bx_buf *message);
/* The settings as the file, the environment and the flags of `of` have them now. As wb_config_load. */
int wb_config_reload(const struct wb_config *of, struct wb_config *out, struct bx_buf *message);
void wb_config_done(struct wb_config *c);

/* What WABOX_WHATSAPP says: *out_url is NULL for live and off, else the simulator's ws://host:port/…
 * (yours to free). BX_E_INVALID with a sentence. */
int wb_config_whatsapp(const char *setting, char **out_url, struct bx_buf *message);

/* WABOX_WHATSAPP_ROOT as bytes. BX_E_NOT_FOUND: not set; BX_E_INVALID. */
int wb_config_whatsapp_root(const struct wb_config *c, uint8_t out[32]);

/* The table of --help. */
int wb_config_help(struct bx_buf *out);

#endif
