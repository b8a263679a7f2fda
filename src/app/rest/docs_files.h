/* The files of /api/docs, put into the program at build time (docs_files.py). */
#ifndef WB_DOCS_FILES_H
#define WB_DOCS_FILES_H

#include <stddef.h>

struct wb_docs_file {
    const char *name, *type;
    const unsigned char *data;
    size_t size;
};
extern const struct wb_docs_file wb_docs_files[];
extern const size_t wb_docs_file_count;

#endif
