/* wabox-media: decoders in a box. waboxd starts it with a channel and two files; see
 * media/box/serve.h. */
#include "base/version.h"
#include "media/box/serve.h"

#include <stdio.h>
#include <string.h>

static void print_usage(FILE *to)
{
    fprintf(to, "usage: wabox-media [--tools=FOLDER:FOLDER] | --help | -h | --version\n"
                "Started by waboxd: request on descriptor 3, file on 4, output on 5.\n");
}

int main(int argc, char **argv)
{
    const char *tool_paths = "/usr/local/bin:/usr/bin:/bin";
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--tools=", 8) == 0) {
            tool_paths = argv[i] + 8;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return print_usage(stdout), fflush(stdout) != 0;
        } else if (strcmp(argv[i], "--version") == 0) {
            return puts("wabox-media " BX_VERSION), fflush(stdout) != 0;
        } else {
            print_usage(stderr);
            return 2;
        }
    }
    return box_serve(tool_paths);
}
