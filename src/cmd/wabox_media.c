/* wabox-media: decoders in a box. waboxd starts it with a channel and two files; see
 * media/box/serve.h. */
#include "media/box/serve.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *tool_paths = "/usr/local/bin:/usr/bin:/bin";
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--tools=", 8) == 0) {
            tool_paths = argv[i] + 8;
        } else {
            fprintf(stderr,
                    "usage: wabox-media [--tools=FOLDER:FOLDER]\n"
                    "Started by waboxd: request on descriptor 3, file on 4, output on 5.\n");
            return 2;
        }
    }
    return box_serve(tool_paths);
}
