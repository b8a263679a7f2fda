/* The version of WhatsApp Web that this library speaks as unless wa_client_opts.version says another,
 * and the day on which it was current. WhatsApp refuses versions after some months
 * (WA_REASON_OUTDATED). To raise it: run tests/interop/wa against the newest whatsmeow and Baileys,
 * then change both lines.
 */
#ifndef WA_VERSION_H
#define WA_VERSION_H

#define WA_BUILT_IN_VERSION "2.3000.1045649367"
#define WA_BUILT_IN_VERSION_MS INT64_C(1787270400000) /* 2026-08-21: whatsmeow's of that day */

#endif
