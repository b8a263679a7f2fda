/* The shared library is made of the rooms' static ones; this file only gives the linker something
 * to start from. */
#include <sio/sio.h>

SIO_API const char *sio_version(void);

const char *sio_version(void)
{
    return "0.1.0";
}
