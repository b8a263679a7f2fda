/* The version of every program of this tree. */
#ifndef BX_VERSION_H
#define BX_VERSION_H

#define BX_VERSION "0.1.0"

#endif
