/* The walls of wabox-media. Layers are independent of each other; the kernel decides which of them
 * it has, and what is in force is told in the result:
 *
 *   rlimits        memory, CPU seconds, size of files, descriptors, no processes, no core
 *   no_new_privs   no program that is started gains rights
 *   namespaces     no network interface, no processes to be seen, no shared memory of others
 *   Landlock       no path can be opened, except what a tool needs to start (see box_tool)
 *   seccomp        a list of the system calls that decoding needs; the others fail with EPERM
 */
#ifndef BOX_SANDBOX_H
#define BOX_SANDBOX_H

#include <stdint.h>

/* For the whole helper, before it reads its request: no_new_privs, no inherited descriptors beyond
 * the first `keep`, death with the parent. Returns the layers in force (MD_LAYER_*). */
uint32_t box_sandbox_begin(int keep);

/* Moves the caller into namespaces of its own where that is allowed. Children that are forked
 * afterwards live in them. Returns MD_LAYER_NAMESPACES or 0. */
uint32_t box_sandbox_namespaces(void);

/* The strict room, for decoders of our own: from here on only memory, time and the descriptors that
 * are open. Returns the layers in force. */
uint32_t box_sandbox_strict(uint64_t max_file_bytes);

/* The room for an optional program that is started next (ffmpeg, poppler): may map its libraries
 * and make threads, read system folders, open the two descriptors anew, and execute `program`
 * alone. `program` must stay where it is in memory. BX_E_UNAVAILABLE: neither Landlock nor seccomp.
 */
int box_sandbox_tool(const char *program, int in_fd, int out_fd, uint64_t max_file_bytes);

/* What is possible in spite of it all (MD_CAN_*); for the tests. */
uint32_t box_sandbox_prove(void);

/* --- layers of their own files --- */
int box_seccomp_strict(void);
int box_seccomp_tool(const char *program);
/* No path at all when `program` is NULL. BX_E_UNSUPPORTED: the kernel has no Landlock. */
int box_landlock(const char *program, int in_fd, int out_fd);

#endif
