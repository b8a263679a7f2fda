/* Reading and writing the two descriptors of a job. Runs only inside the sandbox of wabox-media. */
#ifndef BOX_FILE_H
#define BOX_FILE_H

#include "base/buf.h"

#include <sys/types.h>

/* Size of the file behind the descriptor; 0 when it cannot be told. */
uint64_t box_file_size(int fd);

/* The whole file as memory. BX_E_TOO_BIG, BX_E_IO. An empty file is an empty string. */
int box_file_map(int fd, size_t max_bytes, struct bx_str *out);
void box_file_unmap(struct bx_str file);

/* All of len at `at`; less at the end of the file. Returns the count or BX_E_IO. */
ssize_t box_file_read(int fd, uint64_t at, void *out, size_t len);

/* Writes the whole of `bytes` at the start of an output that is cut to that size. BX_E_TOO_BIG
 * beyond the limit of file sizes, BX_E_DISK_FULL, BX_E_IO. */
int box_file_write(int fd, struct bx_str bytes);
int box_file_write_at(int fd, uint64_t at, const void *bytes, size_t len);

/* Copies [from, to) of one file to the start of another. */
int box_file_copy(int in_fd, uint64_t from, uint64_t to, int out_fd);

#endif
