#!/bin/sh
# Each public header compiles by itself, twice, in C17 and in C++17, with every compiler that is here.
#   headers.sh INCLUDE_DIR
set -eu
found=0
for header in "$1"/sio/*.h; do
  name=sio/$(basename "$header")
  unit="#include <$name>
#include <$name>
int main(void) { return 0; }"
  for cc in gcc clang; do
    command -v "$cc" >/dev/null || continue
    printf '%s\n' "$unit" | "$cc" -x c -std=c17 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wundef -Werror -I"$1" -fsyntax-only -
    found=$((found + 1))
  done
  for cxx in g++ clang++; do
    command -v "$cxx" >/dev/null || continue
    printf '%s\n' "$unit" | "$cxx" -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I"$1" -fsyntax-only -
    found=$((found + 1))
  done
done
[ "$found" -ge 8 ] || { echo "only $found compilations"; exit 1; }
echo "$found compilations"
