/* Our own cases for every section of the Autobahn fuzzing suite, at the level of bytes. The rows
 * are written in a small notation that this file turns into frames without the code under test:
 *
 *   T:text B:bytes C:continuation X:close P:ping O:pong   a frame; the payload ends at a space
 *   -T            FIN is not set          ~T   RSV1, ^T RSV2, !T RSV3      #b  opcode 11
 *   \e9           a byte of the payload   _    a space        a*300  "a" 300 times
 *   =8100         raw bytes
 *
 * Each row runs for both roles and chopped in several ways, down to single bytes. The application
 * echoes. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/test.h"
#include "net/ws_conn.h"
#include "net/ws_proto.h"

#include <stdlib.h>
#include <zlib.h>

static const uint8_t MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

struct row {
    const char *name, *in, *out;
    uint16_t code;   /* how it ends; 0: stays open */
    size_t fails_at; /* fed byte by byte as a server: the byte that ends it; 0: not checked */
};

#define BYE " X:\\03\\e8"
#define ERR2 "X:\\03\\ea"
#define ERR7 "X:\\03\\ef"
#define ECHO(name, frames)                                                                         \
    {                                                                                              \
        name, frames BYE, frames BYE, 1000, 0                                                      \
    }
#define CODE_OK(name, bytes, number)                                                               \
    {                                                                                              \
        name, "X:" bytes, "X:" bytes, number, 0                                                    \
    }
#define CODE_BAD(name, bytes)                                                                      \
    {                                                                                              \
        name, "X:" bytes, ERR2, 1002, 0                                                            \
    }
#define TEXT_OK(name, bytes)                                                                       \
    {                                                                                              \
        name, "T:" bytes BYE, "T:" bytes BYE, 1000, 0                                              \
    }
#define TEXT_BAD(name, bytes)                                                                      \
    {                                                                                              \
        name, "T:" bytes " T:never", ERR7, 1007, 0                                                 \
    }

static const struct row rows[] = {
    /* 1 framing */
    ECHO("1.1.1 empty text", "T:"),
    ECHO("1.1.2 text of 125", "T:*_*125"),
    ECHO("1.1.3 text of 126", "T:a*126"),
    ECHO("1.1.4 text of 127", "T:a*127"),
    ECHO("1.1.5 text of 128", "T:a*128"),
    ECHO("1.1.6 text of 65535", "T:a*65535"),
    ECHO("1.1.7 text of 65536", "T:a*65536"),
    ECHO("1.2.1 empty binary", "B:"),
    ECHO("1.2.2 binary of 125", "B:\\fe*125"),
    ECHO("1.2.3 binary of 126", "B:\\fe*126"),
    ECHO("1.2.4 binary of 127", "B:\\fe*127"),
    ECHO("1.2.5 binary of 128", "B:\\fe*128"),
    ECHO("1.2.6 binary of 65535", "B:\\fe*65535"),
    ECHO("1.2.7 binary of 65536", "B:\\fe*65536"),
    /* 2 pings and pongs */
    {"2.1 ping without payload", "P:" BYE, "O:" BYE, 1000, 0},
    {"2.2 ping with text", "P:Hello" BYE, "O:Hello" BYE, 1000, 0},
    {"2.3 ping with bytes that are no text", "P:\\00\\ff\\fe\\fd\\fc\\fb\\00\\ff" BYE,
     "O:\\00\\ff\\fe\\fd\\fc\\fb\\00\\ff" BYE, 1000, 0},
    {"2.4 ping of 125", "P:\\fe*125" BYE, "O:\\fe*125" BYE, 1000, 0},
    {"2.5 ping of 126 is refused", "P:\\fe*126 T:never", ERR2, 1002, 2},
    {"2.6 ping of 125 in pieces", "P:\\fe*125 P:x" BYE, "O:\\fe*125 O:x" BYE, 1000, 0},
    {"2.7 unsolicited empty pong", "O:" BYE, "X:\\03\\e8", 1000, 0},
    {"2.8 unsolicited pong", "O:unsolicited" BYE, "X:\\03\\e8", 1000, 0},
    {"2.9 pong, then ping", "O:unsolicited P:ping" BYE, "O:ping" BYE, 1000, 0},
    {"2.10 ten pings are answered in order", "P:0 P:1 P:2 P:3 P:4 P:5 P:6 P:7 P:8 P:9" BYE,
     "O:0 O:1 O:2 O:3 O:4 O:5 O:6 O:7 O:8 O:9" BYE, 1000, 0},
    {"2.11 ten pings in pieces", "P:aa P:bb P:cc P:dd P:ee P:ff P:gg P:hh P:ii P:jj" BYE,
     "O:aa O:bb O:cc O:dd O:ee O:ff O:gg O:hh O:ii O:jj" BYE, 1000, 0},
    /* 3 reserved bits */
    {"3.1 RSV3", "!T:Hello", ERR2, 1002, 1},
    {"3.2 RSV2 behind a good message", "T:a ^T:b P:", "T:a " ERR2, 1002, 8},
    {"3.3 RSV2 and RSV3", "T:a ^!T:b P:", "T:a " ERR2, 1002, 8},
    {"3.4 RSV1 without compression", "T:a ~T:b P:", "T:a " ERR2, 1002, 8},
    {"3.5 RSV1 and RSV3 on binary", "~!B:b", ERR2, 1002, 1},
    {"3.6 RSV1 and RSV2 on a ping", "~^P:b", ERR2, 1002, 1},
    {"3.7 all bits on a close", "~^!X:\\03\\e8", ERR2, 1002, 1},
    /* 4 opcodes */
    {"4.1.1 opcode 3", "#3:", ERR2, 1002, 1},
    {"4.1.2 opcode 4 with payload", "#4:data", ERR2, 1002, 1},
    {"4.1.3 opcode 5 behind a message", "T:a #5: P:", "T:a " ERR2, 1002, 8},
    {"4.1.4 opcode 6 behind a message", "T:a #6:x P:", "T:a " ERR2, 1002, 8},
    {"4.1.5 opcode 7", "T:a #7:x P:", "T:a " ERR2, 1002, 8},
    {"4.2.1 opcode 11", "#b:", ERR2, 1002, 1},
    {"4.2.2 opcode 12", "#c:data", ERR2, 1002, 1},
    {"4.2.3 opcode 13", "T:a #d: P:", "T:a " ERR2, 1002, 8},
    {"4.2.4 opcode 14", "T:a #e:x P:", "T:a " ERR2, 1002, 8},
    {"4.2.5 opcode 15", "T:a #f:x P:", "T:a " ERR2, 1002, 8},
    /* 5 fragmentation */
    {"5.1 fragmented ping", "-P:a C:b", ERR2, 1002, 1},
    {"5.2 fragmented pong", "-O:a C:b", ERR2, 1002, 1},
    {"5.3 two fragments", "-T:frag C:ment" BYE, "T:fragment" BYE, 1000, 0},
    {"5.4 two fragments in pieces", "-B:\\ff C:\\fe" BYE, "B:\\ff\\fe" BYE, 1000, 0},
    {"5.5 three fragments", "-T:a -C:b C:c" BYE, "T:abc" BYE, 1000, 0},
    {"5.6 a ping between fragments", "-T:a P:ping C:b" BYE, "O:ping T:ab" BYE, 1000, 0},
    {"5.7 a ping between fragments, frame by frame", "-B:a P: C:b" BYE, "O: B:ab" BYE, 1000, 0},
    {"5.8 pings around fragments", "P:1 -T:a P:2 C:b P:3" BYE, "O:1 O:2 T:ab O:3" BYE, 1000, 0},
    {"5.9 continuation of nothing, FIN", "C:a T:b", ERR2, 1002, 6},
    {"5.10 continuation of nothing, FIN, then text", "C: T:b", ERR2, 1002, 6},
    {"5.11 continuation of nothing behind a message", "T:a C:b", "T:a " ERR2, 1002, 13},
    {"5.12 continuation of nothing, not FIN", "-C:a T:b", ERR2, 1002, 6},
    {"5.13 the same, empty", "-C: T:b", ERR2, 1002, 6},
    {"5.14 the same behind a message", "T:a -C:b", "T:a " ERR2, 1002, 13},
    {"5.15 continuation behind a complete one", "-T:a C:b -C:c T:d", "T:ab " ERR2, 1002, 0},
    {"5.16 continuation, text, continuation", "-C:a T:b C:c", ERR2, 1002, 6},
    {"5.17 the same with FIN", "C:a T:b C:c", ERR2, 1002, 6},
    {"5.18 text inside a fragmented text", "-T:a T:b", ERR2, 1002, 0},
    {"5.19 five fragments and two pings", "-T:1 -C:2 P:a -C:3 -C:4 P:b C:5" BYE,
     "O:a O:b T:12345" BYE, 1000, 0},
    {"5.20 the same, binary", "-B:1 -C:2 P:a -C:3 -C:4 P:b C:5" BYE, "O:a O:b B:12345" BYE, 1000,
     0},
    {"5.x empty fragments", "-T: -C: C:" BYE, "T:" BYE, 1000, 0},
    /* 6 UTF-8 */
    TEXT_OK("6.1.1 empty", ""),
    {"6.1.2 empty fragments", "-T: -C: C:" BYE, "T:" BYE, 1000, 0},
    {"6.1.3 only the middle has text", "-T: -C:middle C:" BYE, "T:middle" BYE, 1000, 0},
    TEXT_OK("6.2.1 valid",
            "Hello-\\c2\\b5@\\c3\\9f\\c3\\b6\\c3\\a4\\c3\\bc\\c3\\a0\\c3\\a1-UTF-8!!"),
    {"6.2.2 cut between characters", "-T:H\\c2\\b5 C:\\c3\\9f" BYE, "T:H\\c2\\b5\\c3\\9f" BYE, 1000,
     0},
    {"6.2.3 cut inside characters", "-T:\\ce -C:\\ba\\e1\\bd C:\\b9" BYE,
     "T:\\ce\\ba\\e1\\bd\\b9" BYE, 1000, 0},
    TEXT_OK("6.2.4 greek", "\\ce\\ba\\e1\\bd\\b9\\cf\\83\\ce\\bc\\ce\\b5"),
    TEXT_BAD("6.3.1 surrogate in the middle", "\\ce\\ba\\e1\\bd\\b9\\ed\\a0\\80edited"),
    {"6.3.2 the same, fails at the octet", "T:\\ce\\ba\\ed\\a0\\80edited", ERR7, 1007, 10},
    {"6.4.1 bad second fragment", "-T:\\ce\\ba -C:\\f4\\90\\80\\80 C:e", ERR7, 1007, 16},
    {"6.4.2 bad at the octet", "-T:\\ce\\ba\\f4 -C:\\90 C:\\80\\80e", ERR7, 1007, 16},
    {"6.4.3 bad inside one frame", "T:abc\\f4\\90\\80\\80defghijkl", ERR7, 1007, 11},
    {"6.4.4 bad last octet of a frame's start", "T:\\f4\\90xxxxxxxx", ERR7, 1007, 8},
    TEXT_OK("6.5.1 hello", "hello\\24world"),
    TEXT_OK("6.5.2 cent sign", "hello\\c2\\a2world"),
    TEXT_OK("6.5.3 euro sign", "hello\\e2\\82\\acworld"),
    TEXT_OK("6.5.4 han", "hello\\f0\\a4\\ad\\a2world"),
    TEXT_OK("6.5.5 all four", "$\\c2\\a2\\e2\\82\\ac\\f0\\a4\\ad\\a2"),
    TEXT_BAD("6.6.1 cut 2-byte", "\\ce"),
    TEXT_OK("6.6.2 whole 2-byte", "\\ce\\ba"),
    TEXT_BAD("6.6.3 cut 3-byte after 1", "\\ce\\ba\\e1"),
    TEXT_BAD("6.6.4 cut 3-byte after 2", "\\ce\\ba\\e1\\bd"),
    TEXT_OK("6.6.5 whole 3-byte", "\\ce\\ba\\e1\\bd\\b9"),
    TEXT_BAD("6.6.6 cut", "\\ce\\ba\\e1\\bd\\b9\\cf"),
    TEXT_OK("6.6.7 whole", "\\ce\\ba\\e1\\bd\\b9\\cf\\83"),
    TEXT_BAD("6.6.8 cut", "\\ce\\ba\\e1\\bd\\b9\\cf\\83\\ce"),
    TEXT_OK("6.6.9 whole", "\\ce\\ba\\e1\\bd\\b9\\cf\\83\\ce\\bc"),
    TEXT_BAD("6.6.10 cut", "\\ce\\ba\\e1\\bd\\b9\\cf\\83\\ce\\bc\\ce"),
    TEXT_OK("6.6.11 whole", "\\ce\\ba\\e1\\bd\\b9\\cf\\83\\ce\\bc\\ce\\b5"),
    TEXT_OK("6.7.1 U+0000", "\\00"),
    TEXT_OK("6.7.2 U+0080", "\\c2\\80"),
    TEXT_OK("6.7.3 U+0800", "\\e0\\a0\\80"),
    TEXT_OK("6.7.4 U+10000", "\\f0\\90\\80\\80"),
    TEXT_BAD("6.8.1 5-byte sequence", "\\f8\\88\\80\\80\\80"),
    TEXT_BAD("6.8.2 6-byte sequence", "\\fc\\84\\80\\80\\80\\80"),
    TEXT_OK("6.9.1 U+007F", "\\7f"),
    TEXT_OK("6.9.2 U+07FF", "\\df\\bf"),
    TEXT_OK("6.9.3 U+FFFF", "\\ef\\bf\\bf"),
    TEXT_OK("6.9.4 U+10FFFF", "\\f4\\8f\\bf\\bf"),
    TEXT_BAD("6.10.1 U+1FFFFF", "\\f7\\bf\\bf\\bf"),
    TEXT_BAD("6.10.2 last 5-byte", "\\fb\\bf\\bf\\bf\\bf"),
    TEXT_BAD("6.10.3 last 6-byte", "\\fd\\bf\\bf\\bf\\bf\\bf"),
    TEXT_OK("6.11.1 U+D7FF", "\\ed\\9f\\bf"),
    TEXT_OK("6.11.2 U+E000", "\\ee\\80\\80"),
    TEXT_OK("6.11.3 U+FFFD", "\\ef\\bf\\bd"),
    TEXT_OK("6.11.4 U+10FFFF", "\\f4\\8f\\bf\\bf"),
    TEXT_BAD("6.11.5 U+110000", "\\f4\\90\\80\\80"),
    TEXT_BAD("6.12.1 lone continuation 80", "\\80"),
    TEXT_BAD("6.12.2 lone continuation bf", "\\bf"),
    TEXT_BAD("6.12.3 two", "\\80\\bf"),
    TEXT_BAD("6.12.4 three", "\\80\\bf\\80"),
    TEXT_BAD("6.12.5 four", "\\80\\bf\\80\\bf"),
    TEXT_BAD("6.12.6 five", "\\80\\bf\\80\\bf\\80"),
    TEXT_BAD("6.12.7 six", "\\80\\bf\\80\\bf\\80\\bf"),
    TEXT_BAD("6.12.8 run of them", "\\80\\81\\82\\83\\84\\85\\86\\87\\be"),
    TEXT_BAD("6.13.1 lone 2-byte starts", "\\c0_\\c1_\\c2_\\df_"),
    TEXT_BAD("6.13.2 lone 3-byte starts", "\\e0_\\e1_\\ef_"),
    TEXT_BAD("6.13.3 lone 4-byte starts", "\\f0_\\f4_"),
    TEXT_BAD("6.13.4 lone 5-byte starts", "\\f8_\\fb_"),
    TEXT_BAD("6.13.5 lone 6-byte starts", "\\fc_\\fd_"),
    TEXT_BAD("6.14.1 2-byte without last", "\\c0"),
    TEXT_BAD("6.14.2 3-byte without last", "\\e0\\80"),
    TEXT_BAD("6.14.3 4-byte without last", "\\f0\\80\\80"),
    TEXT_BAD("6.14.4 5-byte without last", "\\f8\\80\\80\\80"),
    TEXT_BAD("6.14.5 6-byte without last", "\\fc\\80\\80\\80\\80"),
    TEXT_BAD("6.14.6 2-byte, high", "\\df"),
    TEXT_BAD("6.14.7 3-byte, high", "\\ef\\bf"),
    TEXT_BAD("6.14.8 4-byte, high", "\\f7\\bf\\bf"),
    TEXT_BAD("6.14.9 5-byte, high", "\\fb\\bf\\bf\\bf"),
    TEXT_BAD("6.14.10 6-byte, high", "\\fd\\bf\\bf\\bf\\bf"),
    TEXT_BAD("6.15.1 all of 6.14 in a row", "\\c0\\e0\\80\\f0\\80\\80\\f8\\80\\80\\80"),
    TEXT_BAD("6.16.1 impossible fe", "\\fe"),
    TEXT_BAD("6.16.2 impossible ff", "\\ff"),
    TEXT_BAD("6.16.3 impossible run", "\\fe\\fe\\ff\\ff"),
    TEXT_BAD("6.17.1 overlong slash, 2", "\\c0\\af"),
    TEXT_BAD("6.17.2 overlong slash, 3", "\\e0\\80\\af"),
    TEXT_BAD("6.17.3 overlong slash, 4", "\\f0\\80\\80\\af"),
    TEXT_BAD("6.17.4 overlong slash, 5", "\\f8\\80\\80\\80\\af"),
    TEXT_BAD("6.17.5 overlong slash, 6", "\\fc\\80\\80\\80\\80\\af"),
    TEXT_BAD("6.18.1 overlong max, 2", "\\c1\\bf"),
    TEXT_BAD("6.18.2 overlong max, 3", "\\e0\\9f\\bf"),
    TEXT_BAD("6.18.3 overlong max, 4", "\\f0\\8f\\bf\\bf"),
    TEXT_BAD("6.18.4 overlong max, 5", "\\f8\\87\\bf\\bf\\bf"),
    TEXT_BAD("6.18.5 overlong max, 6", "\\fc\\83\\bf\\bf\\bf\\bf"),
    TEXT_BAD("6.19.1 overlong NUL, 2", "\\c0\\80"),
    TEXT_BAD("6.19.2 overlong NUL, 3", "\\e0\\80\\80"),
    TEXT_BAD("6.19.3 overlong NUL, 4", "\\f0\\80\\80\\80"),
    TEXT_BAD("6.19.4 overlong NUL, 5", "\\f8\\80\\80\\80\\80"),
    TEXT_BAD("6.19.5 overlong NUL, 6", "\\fc\\80\\80\\80\\80\\80"),
    TEXT_BAD("6.20.1 surrogate D800", "\\ed\\a0\\80"),
    TEXT_BAD("6.20.2 surrogate DB7F", "\\ed\\ad\\bf"),
    TEXT_BAD("6.20.3 surrogate DB80", "\\ed\\ae\\80"),
    TEXT_BAD("6.20.4 surrogate DBFF", "\\ed\\af\\bf"),
    TEXT_BAD("6.20.5 surrogate DC00", "\\ed\\b0\\80"),
    TEXT_BAD("6.20.6 surrogate DF80", "\\ed\\be\\80"),
    TEXT_BAD("6.20.7 surrogate DFFF", "\\ed\\bf\\bf"),
    TEXT_BAD("6.21.1 pair D800 DC00", "\\ed\\a0\\80\\ed\\b0\\80"),
    TEXT_BAD("6.21.2 pair D800 DFFF", "\\ed\\a0\\80\\ed\\bf\\bf"),
    TEXT_BAD("6.21.3 pair DB7F DC00", "\\ed\\ad\\bf\\ed\\b0\\80"),
    TEXT_BAD("6.21.4 pair DB7F DFFF", "\\ed\\ad\\bf\\ed\\bf\\bf"),
    TEXT_BAD("6.21.5 pair DB80 DC00", "\\ed\\ae\\80\\ed\\b0\\80"),
    TEXT_BAD("6.21.6 pair DB80 DFFF", "\\ed\\ae\\80\\ed\\bf\\bf"),
    TEXT_BAD("6.21.7 pair DBFF DC00", "\\ed\\af\\bf\\ed\\b0\\80"),
    TEXT_BAD("6.21.8 pair DBFF DFFF", "\\ed\\af\\bf\\ed\\bf\\bf"),
    TEXT_OK("6.22.1 U+FFFE", "\\ef\\bf\\be"),
    TEXT_OK("6.22.2 U+FFFF", "\\ef\\bf\\bf"),
    TEXT_OK("6.22.3 U+1FFFE", "\\f0\\9f\\bf\\be"),
    TEXT_OK("6.22.4 U+1FFFF", "\\f0\\9f\\bf\\bf"),
    TEXT_OK("6.22.33 U+10FFFE", "\\f4\\8f\\bf\\be"),
    TEXT_OK("6.22.34 U+10FFFF", "\\f4\\8f\\bf\\bf"),
    TEXT_OK("6.23.1 U+FFF9", "\\ef\\bf\\b9"),
    TEXT_OK("6.23.2 U+FFFA", "\\ef\\bf\\ba"),
    TEXT_OK("6.23.3 U+FFFB", "\\ef\\bf\\bb"),
    TEXT_OK("6.23.4 U+FFFC", "\\ef\\bf\\bc"),
    TEXT_OK("6.23.5 U+FFFD", "\\ef\\bf\\bd"),
    TEXT_OK("6.23.6 U+FFFE", "\\ef\\bf\\be"),
    TEXT_OK("6.23.7 U+FFFF", "\\ef\\bf\\bf"),
    {"6.x binary is not checked", "B:\\ed\\a0\\80" BYE, "B:\\ed\\a0\\80" BYE, 1000, 0},
    /* 7 closing */
    {"7.1.1 message, then close", "T:Hello" BYE, "T:Hello" BYE, 1000, 0},
    {"7.1.2 two closes", "X:\\03\\e8 X:\\03\\e8", "X:\\03\\e8", 1000, 0},
    {"7.1.3 ping behind the close", "X:\\03\\e8 P:", "X:\\03\\e8", 1000, 0},
    {"7.1.4 text behind the close", "X:\\03\\e8 T:late", "X:\\03\\e8", 1000, 0},
    {"7.1.5 close inside a fragmented message", "-T:a X:\\03\\e8 C:b", "X:\\03\\e8", 1000, 0},
    {"7.1.6 big message, close, ping", "B:x*262144 X:\\03\\e8 P:", "B:x*262144 X:\\03\\e8", 1000,
     0},
    {"7.3.1 close without a body", "X:", "X:", 1005, 0},
    {"7.3.2 body of one byte", "X:a", ERR2, 1002, 0},
    CODE_OK("7.3.3 code only", "\\03\\e8", 1000),
    {"7.3.4 code and reason", "X:\\03\\e8Hello", "X:\\03\\e8", 1000, 0},
    {"7.3.5 longest reason", "X:\\03\\e8a*125", "X:\\03\\e8", 1000, 0},
    {"7.3.6 body of 126", "X:a*126", ERR2, 1002, 2},
    {"7.5.1 reason is no UTF-8", "X:\\03\\e8\\ce\\ba\\ed\\a0\\80", ERR7, 1007, 0},
    CODE_OK("7.7.1", "\\03\\e8", 1000),
    CODE_OK("7.7.2", "\\03\\e9", 1001),
    CODE_OK("7.7.3", "\\03\\ea", 1002),
    CODE_OK("7.7.4", "\\03\\eb", 1003),
    CODE_OK("7.7.5", "\\03\\ef", 1007),
    CODE_OK("7.7.6", "\\03\\f0", 1008),
    CODE_OK("7.7.7", "\\03\\f1", 1009),
    CODE_OK("7.7.8", "\\03\\f2", 1010),
    CODE_OK("7.7.9", "\\03\\f3", 1011),
    CODE_OK("7.7.x", "\\03\\f4", 1012),
    CODE_OK("7.7.x", "\\03\\f5", 1013),
    CODE_OK("7.7.x", "\\03\\f6", 1014),
    CODE_OK("7.7.10", "\\0b\\b8", 3000),
    CODE_OK("7.7.11", "\\0f\\9f", 3999),
    CODE_OK("7.7.12", "\\0f\\a0", 4000),
    CODE_OK("7.7.13", "\\13\\87", 4999),
    CODE_BAD("7.9.1 code 0", "\\00\\00"),
    CODE_BAD("7.9.2 code 999", "\\03\\e7"),
    CODE_BAD("7.9.3 code 1004", "\\03\\ec"),
    CODE_BAD("7.9.4 code 1005", "\\03\\ed"),
    CODE_BAD("7.9.5 code 1006", "\\03\\ee"),
    CODE_BAD("7.9.6 code 1015", "\\03\\f7"),
    CODE_BAD("7.9.7 code 1016", "\\03\\f8"),
    CODE_BAD("7.9.8 code 1100", "\\04\\4c"),
    CODE_BAD("7.9.9 code 2000", "\\07\\d0"),
    CODE_BAD("7.9.10 code 2999", "\\0b\\b7"),
    CODE_BAD("7.13.1 code 5000", "\\13\\88"),
    CODE_BAD("7.13.2 code 65535", "\\ff\\ff"),
    /* 9 sizes, scaled to the cap of 1 MiB */
    ECHO("9.1.1 text of 64 KiB", "T:a*65536"),
    ECHO("9.1.2 text of 256 KiB", "T:a*262144"),
    ECHO("9.1.3 text of 1 MiB", "T:a*1048576"),
    ECHO("9.2.3 binary of 1 MiB", "B:a*1048576"),
    {"9.x one byte beyond the cap", "B:a*1048577", "X:\\03\\f1", 1009, 14},
    {"9.3 fragments of 64 KiB", "-T:a*65536 -C:a*65536 C:a*65536" BYE, "T:a*196608" BYE, 1000, 0},
    {"9.4 binary fragments", "-B:a*65536 C:a*4096" BYE, "B:a*69632" BYE, 1000, 0},
    {"9.x fragments beyond the cap", "-B:a*1048576 C:a", "X:\\03\\f1", 1009, 0},
    /* 10 auto-fragmentation */
    {"10.1.1 65536 bytes in frames of 1300", "-T:a*1300 -C:a*1300 -C:a*1300 C:a*1300" BYE,
     "T:a*5200" BYE, 1000, 0},
};

/* --- the notation --- */

struct parser {
    const char *p;
};

static unsigned hex(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void payload_parse(struct parser *s, struct bx_buf *out)
{
    size_t unit_at = 0;
    while (*s->p && *s->p != ' ') {
        if (*s->p == '*' && s->p[1] >= '1' && s->p[1] <= '9') {
            unsigned long count = strtoul(s->p + 1, (char **)(void *)&s->p, 10);
            uint8_t unit = out->data[unit_at];
            while (out->len < count)
                bx_buf_byte(out, unit);
            continue;
        }
        unit_at = out->len;
        if (*s->p == '\\') {
            bx_buf_byte(out, (uint8_t)(hex(s->p[1]) << 4 | hex(s->p[2])));
            s->p += 3;
        } else {
            bx_buf_byte(out, *s->p == '_' ? ' ' : (uint8_t)*s->p);
            s->p++;
        }
    }
}

static void frame_build(struct bx_buf *out, uint8_t first, struct bx_str payload, bool is_masked)
{
    uint8_t mask_bit = is_masked ? 0x80 : 0;
    bx_buf_byte(out, first);
    if (payload.len < 126) {
        bx_buf_byte(out, mask_bit | (uint8_t)payload.len);
    } else {
        int bytes = payload.len < 65536 ? 2 : 8;
        bx_buf_byte(out, mask_bit | (bytes == 2 ? 126 : 127));
        for (int i = bytes - 1; i >= 0; i--)
            bx_buf_byte(out, (uint8_t)((uint64_t)payload.len >> 8 * i));
    }
    if (is_masked)
        bx_buf_append(out, MASK, 4);
    for (size_t i = 0; i < payload.len; i++)
        bx_buf_byte(out, (uint8_t)payload.ptr[i] ^ (is_masked ? MASK[i & 3] : 0));
}

static uint8_t opcode_parse(struct parser *s)
{
    static const char letters[] = "CTB     XPO";
    if (*s->p == '#')
        return (uint8_t)hex(*++s->p);
    return (uint8_t)(strchr(letters, *s->p) - letters);
}

static void frame_parse(struct parser *s, bool is_masked, struct bx_buf *out)
{
    uint8_t first = 0x80;
    for (;; s->p++) {
        if (*s->p == '-')
            first &= 0x7f;
        else if (*s->p == '~')
            first |= 0x40;
        else if (*s->p == '^')
            first |= 0x20;
        else if (*s->p == '!')
            first |= 0x10;
        else
            break;
    }
    first |= opcode_parse(s);
    s->p += 2; /* letter and colon */
    struct bx_buf payload;
    bx_buf_init(&payload, 0);
    payload_parse(s, &payload);
    frame_build(out, first, bx_buf_view(&payload), is_masked);
    bx_buf_done(&payload);
}

static void notation(const char *text, bool is_masked, struct bx_buf *out)
{
    struct parser s = {text};
    while (*s.p) {
        if (*s.p == ' ') {
            s.p++;
        } else if (*s.p == '=') {
            for (s.p++; *s.p && *s.p != ' '; s.p += 2)
                bx_buf_byte(out, (uint8_t)(hex(s.p[0]) << 4 | hex(s.p[1])));
        } else {
            frame_parse(&s, is_masked, out);
        }
    }
}

/* --- one end with an application that echoes --- */

struct end {
    struct ws_proto proto;
    struct bx_buf out, last;
    uint16_t code;
    unsigned ends, messages;
    bool is_clogged, is_silent;
};

static struct end *end_of(struct ws_proto *p)
{
    return BX_CONTAINER_OF(p, struct end, proto);
}

static void on_message(struct ws_proto *p, bool is_binary, uint8_t *data, size_t len)
{
    struct end *e = end_of(p);
    e->messages++;
    bx_buf_clear(&e->last, SIZE_MAX);
    bx_buf_append(&e->last, data, len);
    if (!e->is_silent && p->state == WS_PROTO_OPEN)
        frame_build(&e->out, is_binary ? 0x82 : 0x81, bx_str_n(data, len), p->is_client);
}

static void on_closed(struct ws_proto *p, uint16_t code, struct bx_str reason)
{
    (void)reason;
    end_of(p)->code = code;
    end_of(p)->ends++;
}

static void on_failed(struct ws_proto *p, uint16_t code)
{
    end_of(p)->code = code;
    end_of(p)->ends++;
}

static void on_write(struct ws_proto *p, const uint8_t *frame, size_t len)
{
    bx_buf_append(&end_of(p)->out, frame, len);
}

static void on_mask(struct ws_proto *p, uint8_t out[4])
{
    (void)p;
    memcpy(out, MASK, 4);
}

static bool is_clogged(struct ws_proto *p)
{
    return end_of(p)->is_clogged;
}

static const struct ws_proto_events events = {on_message, on_closed, on_failed,
                                              on_write,   on_mask,   is_clogged};

static void end_init(struct end *e, bool is_client, size_t max, struct ws_deflate *deflate)
{
    *e = (struct end){0};
    bx_buf_init(&e->out, 0);
    bx_buf_init(&e->last, 0);
    ws_proto_init(&e->proto, &events, is_client, max, deflate);
}

static void end_done(struct end *e)
{
    ws_proto_done(&e->proto);
    bx_buf_done(&e->out);
    bx_buf_done(&e->last);
}

/* Every piece is an exact-size heap copy: it is scratch, and a read beyond it is seen. Returns the
 * bytes fed when the end came, or all. */
static size_t feed(struct end *e, struct bx_str bytes, size_t step)
{
    struct ws_proto_counts counts = {0};
    for (size_t at = 0; at < bytes.len; at += step) {
        size_t n = bytes.len - at < step ? bytes.len - at : step;
        uint8_t *piece = bx_realloc(NULL, n, 1);
        memcpy(piece, bytes.ptr + at, n);
        ws_proto_feed(&e->proto, piece, n, &counts);
        free(piece);
        if (e->ends)
            return at + n;
    }
    return bytes.len;
}

static void row_run(const struct row *row, bool is_client, size_t step)
{
    struct end e;
    struct bx_buf in, want;
    bx_buf_init(&in, 0);
    bx_buf_init(&want, 0);
    notation(row->in, !is_client, &in);
    notation(row->out, is_client, &want);
    end_init(&e, is_client, 1 << 20, NULL);
    size_t fed = feed(&e, bx_buf_view(&in), step);
    assert_why(e.out.len == want.len && memcmp(e.out.data, want.data, want.len) == 0, row->name);
    assert_why(e.code == row->code && e.ends == (row->code != 0), row->name);
    if (row->fails_at && !is_client && step == 1)
        assert_why(fed == row->fails_at, row->name);
    assert_why(e.proto.partial == NULL, row->name);
    bx_buf_done(&in);
    bx_buf_done(&want);
    end_done(&e);
}

TEST(every_row_holds_for_both_roles_however_the_bytes_are_chopped)
{
    static const size_t steps[] = {SIZE_MAX / 2, 1, 2, 7, 997, 65536};
    for (size_t r = 0; r < BX_LEN(rows); r++) {
        bool is_big = strstr(rows[r].in, "*1048") || strstr(rows[r].in, "*262");
        for (size_t s = 0; s < BX_LEN(steps); s++) {
            if (is_big && steps[s] < 900 && !(rows[r].fails_at && steps[s] == 1))
                continue;
            row_run(&rows[r], false, steps[s]);
            row_run(&rows[r], true, steps[s]);
        }
    }
}

static const struct {
    const char *why, *bytes;
    bool is_client;
} bad_heads[] = {
    {"server: unmasked frame", "=810161", false},
    {"client: masked frame", "=818137fa213d56", true},
    {"16-bit length below 126", "=82fe007d", false},
    {"64-bit length below 65536", "=82ff000000000000ffff", false},
    {"64-bit length with the top bit", "=82ff80", false},
    {"16-bit length below 126", "=827e007d", true},
    {"64-bit length below 65536", "=827f000000000000ffff", true},
    {"64-bit length with the top bit", "=827f80", true},
};

TEST(lengths_and_masks_that_break_a_must_are_refused_at_the_first_byte_that_shows_it)
{
    for (size_t i = 0; i < BX_LEN(bad_heads); i++) {
        for (size_t step = 1; step < 20; step += 18) {
            struct end e;
            struct bx_buf in;
            bx_buf_init(&in, 0);
            notation(bad_heads[i].bytes, false, &in);
            end_init(&e, bad_heads[i].is_client, 1 << 20, NULL);
            feed(&e, bx_buf_view(&in), step);
            assert_why(e.code == 1002 && e.ends == 1, bad_heads[i].why);
            bx_buf_done(&in);
            end_done(&e);
        }
    }
}

TEST(a_ping_flood_gets_a_bounded_number_of_pongs_and_the_last_is_among_them)
{
    struct end e;
    struct bx_buf in, want;
    bx_buf_init(&in, 0);
    bx_buf_init(&want, 0);
    for (int i = 0; i < 1000; i++) {
        char frame[8] = {'P', ':', (char)('0' + i / 100), (char)('0' + i / 10 % 10),
                         (char)('0' + i % 10)};
        notation(frame, true, &in);
        frame[0] = 'O';
        if (i < 16 || i == 999)
            notation(frame, false, &want);
    }
    struct ws_proto_counts counts = {0};
    end_init(&e, false, 1000, NULL);
    ws_proto_feed(&e.proto, in.data, in.len, &counts);
    assert_int_equal(e.out.len, want.len);
    assert_memory_equal(e.out.data, want.data, want.len);
    assert_int_equal(counts.pings, 1000);
    assert_int_equal(counts.pongs_skipped, 1000 - 17);
    bx_buf_done(&in);
    bx_buf_done(&want);
    end_done(&e);
}

TEST(a_peer_that_does_not_read_gets_no_pongs)
{
    struct end e;
    struct bx_buf in;
    bx_buf_init(&in, 0);
    notation("P:a P:b", true, &in);
    end_init(&e, false, 1000, NULL);
    e.is_clogged = true;
    feed(&e, bx_buf_view(&in), 1000);
    assert_int_equal(e.out.len, 0);
    bx_buf_done(&in);
    end_done(&e);
}

TEST(after_our_close_messages_are_dropped_until_the_peers_close)
{
    struct end e;
    struct bx_buf in, want;
    bx_buf_init(&in, 0);
    bx_buf_init(&want, 0);
    notation("T:late P:x -B:a*2000000 C:b X:\\03\\e9", true, &in);
    notation("X:\\03\\e8bye", false, &want);
    for (size_t step = 1; step < 4000000; step = step * 1000 + 7) {
        end_init(&e, false, 1000, NULL);
        ws_proto_close(&e.proto, 1000, BX_STR("bye"));
        ws_proto_close(&e.proto, 1001, BX_STR("again"));
        feed(&e, bx_buf_view(&in), step);
        assert_int_equal(e.messages, 0);
        assert_int_equal(e.code, 1001);
        assert_int_equal(e.out.len, want.len);
        assert_memory_equal(e.out.data, want.data, want.len);
        end_done(&e);
    }
    bx_buf_done(&in);
    bx_buf_done(&want);
}

TEST(a_long_reason_is_cut_at_a_characters_border)
{
    struct end e;
    char reason[200];
    for (size_t i = 0; i < sizeof reason; i++)
        reason[i] = i % 2 ? '\xa4' : '\xc3';
    end_init(&e, false, 1000, NULL);
    ws_proto_close(&e.proto, 1000, bx_str_n(reason, sizeof reason));
    assert_int_equal(e.out.len, 2 + 2 + 122);
    end_done(&e);
}

TEST(an_idle_end_holds_no_memory_and_a_message_in_progress_does)
{
    struct end e;
    struct bx_buf in;
    bx_buf_init(&in, 0);
    notation("-T:a C:b T:c", true, &in);
    end_init(&e, false, 1000, NULL);
    e.is_silent = true;
    feed(&e, bx_str_n(in.data, 10), 10);
    assert_non_null(e.proto.partial);
    feed(&e, bx_str_n(in.data + 10, in.len - 10), 100);
    assert_null(e.proto.partial);
    assert_int_equal(e.messages, 2);
    bx_buf_done(&in);
    end_done(&e);
}

/* --- 12 and 13: compression, with zlib itself as the peer --- */

struct zpeer {
    z_stream out, in;
    bool is_out_takeover, is_in_takeover;
};

static void zpeer_init(struct zpeer *z, const struct ws_deflate_params *p, bool is_client)
{
    *z = (struct zpeer){0};
    int bits = is_client ? p->client_window_bits : p->server_window_bits;
    z->is_out_takeover = is_client ? p->is_client_takeover : p->is_server_takeover;
    z->is_in_takeover = is_client ? p->is_server_takeover : p->is_client_takeover;
    int in_bits = is_client ? p->server_window_bits : p->client_window_bits;
    assert_int_equal(deflateInit2(&z->out, 6, Z_DEFLATED, -(bits < 9 ? 9 : bits), 8, 0), Z_OK);
    assert_int_equal(inflateInit2(&z->in, -in_bits), Z_OK);
}

static void zpeer_done(struct zpeer *z)
{
    deflateEnd(&z->out);
    inflateEnd(&z->in);
}

static void zpeer_pack(struct zpeer *z, struct bx_str in, struct bx_buf *out)
{
    bx_buf_clear(out, SIZE_MAX);
    bx_buf_reserve(out, in.len * 2 + 256);
    z->out.next_in = (z_const Bytef *)(uintptr_t)in.ptr;
    z->out.avail_in = (uInt)in.len;
    z->out.next_out = out->data;
    z->out.avail_out = (uInt)out->cap;
    deflate(&z->out, Z_SYNC_FLUSH);
    assert_true(z->out.avail_out > 0);
    out->len = out->cap - z->out.avail_out - 4;
    if (!z->is_out_takeover)
        deflateReset(&z->out);
}

/* In the window that was agreed: an inflater of that size must be able to read it. */
static void zpeer_unpack(struct zpeer *z, struct bx_str in, struct bx_buf *out, size_t want)
{
    struct bx_buf whole;
    bx_buf_init(&whole, 0);
    bx_buf_str(&whole, in);
    bx_buf_append(&whole, "\0\0\xff\xff", 4);
    bx_buf_clear(out, SIZE_MAX);
    bx_buf_reserve(out, want + 64);
    z->in.next_in = whole.data;
    z->in.avail_in = (uInt)whole.len;
    z->in.next_out = out->data;
    z->in.avail_out = (uInt)out->cap;
    assert_int_equal(inflate(&z->in, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(z->in.avail_in, 0);
    out->len = out->cap - z->in.avail_out;
    if (!z->is_in_takeover)
        inflateReset(&z->in);
    bx_buf_done(&whole);
}

static struct bx_str sample(size_t len, unsigned seed, struct bx_buf *out)
{
    static const char *const words[] = {"{\"number\":", "presence", "Bapak ",
                                        "chat ",        "0123 ",    "x"};
    uint32_t state = seed * 2654435761u + 1;
    bx_buf_clear(out, SIZE_MAX);
    while (out->len < len) {
        state = state * 1664525u + 1013904223u;
        bx_buf_str(out, bx_str(words[state >> 24 & 3]));
        bx_buf_byte(out, (uint8_t)('a' + (state >> 16 & 15)));
    }
    return bx_str_n(out->data, len);
}

static void compression_run(const struct ws_deflate_params *p, bool is_client, size_t size,
                            const char *why)
{
    struct end e;
    struct zpeer z;
    struct bx_buf text, packed, frames, back;
    bx_buf_init(&text, 0);
    bx_buf_init(&packed, 0);
    bx_buf_init(&frames, 0);
    bx_buf_init(&back, 0);
    zpeer_init(&z, p, !is_client);
    end_init(&e, is_client, 1 << 20, ws_deflate_new(p, is_client, 3));
    e.is_silent = true;
    for (unsigned i = 0; i < 6; i++) {
        struct bx_str message = sample(size, i / 2, &text), out;
        zpeer_pack(&z, message, &packed);
        bx_buf_clear(&frames, SIZE_MAX);
        if (i % 3 == 2) { /* fragmented: RSV1 on the first only, a ping between */
            frame_build(&frames, 0x41, bx_str_slice(bx_buf_view(&packed), 0, packed.len / 3),
                        !is_client);
            frame_build(&frames, 0x89, BX_STR("p"), !is_client);
            frame_build(&frames, 0x80,
                        bx_str_slice(bx_buf_view(&packed), packed.len / 3, packed.len), !is_client);
        } else {
            frame_build(&frames, 0xc1, bx_buf_view(&packed), !is_client);
        }
        feed(&e, bx_buf_view(&frames), i % 2 ? 61 : SIZE_MAX / 2);
        assert_why(e.messages == i + 1 && bx_str_eq(bx_buf_view(&e.last), message), why);
        int rc = ws_deflate_compress(e.proto.deflate, bx_str_slice(message, 0, size / 2),
                                     bx_str_slice(message, size / 2, size), &out);
        if (rc == BX_OK) {
            zpeer_unpack(&z, out, &back, size);
            assert_why(bx_str_eq(bx_buf_view(&back), message), why);
        } else {
            assert_rc(rc, BX_E_UNSUPPORTED);
            assert_why(size < 64 || !ws_deflate_can_compress(e.proto.deflate), why);
        }
    }
    bool has_own = p->is_server_takeover || p->is_client_takeover;
    assert_why((ws_deflate_streams(e.proto.deflate) > 0) == has_own, why);
    zpeer_done(&z);
    bx_buf_done(&text);
    bx_buf_done(&packed);
    bx_buf_done(&frames);
    bx_buf_done(&back);
    end_done(&e);
}

TEST(sections_12_and_13_messages_cross_under_every_parameter)
{
    static const size_t sizes[] = {16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072};
    static const struct {
        const char *name;
        struct ws_deflate_params p;
    } params[] = {
        {"12.1 no takeover", {false, false, 15, 15}},
        {"13.1 server takeover", {true, false, 15, 15}},
        {"13.2 both takeover", {true, true, 15, 15}},
        {"13.3 window 9", {true, true, 9, 9}},
        {"13.4 window 15", {false, true, 15, 15}},
        {"13.5 window 9, no takeover", {false, false, 9, 9}},
        {"13.6 windows 9 and 15", {true, false, 9, 15}},
        {"13.7 windows 15 and 12", {true, true, 15, 12}},
        {"13.x a window of 256 bytes is never compressed into", {false, false, 8, 8}},
    };
    for (size_t p = 0; p < BX_LEN(params); p++) {
        for (size_t s = 0; s < BX_LEN(sizes); s++) {
            if (params[p].p.server_window_bits == 8) {
                struct ws_deflate *d = ws_deflate_new(&params[p].p, false, 3);
                assert_false(ws_deflate_can_compress(d));
                ws_deflate_free(d);
                continue;
            }
            compression_run(&params[p].p, false, sizes[s], params[p].name);
            compression_run(&params[p].p, true, sizes[s], params[p].name);
        }
    }
}

static const struct {
    const char *name, *in;
    uint16_t code;
    const char *message;
} packed_rows[] = {
    {"7692 7.2.3.1 one block", "~T:\\f2\\48\\cd\\c9\\c9\\07\\00", 0, "Hello"},
    {"7692 7.2.3.1 in two frames", "-~T:\\f2\\48\\cd C:\\c9\\c9\\07\\00", 0, "Hello"},
    {"7692 7.2.3.3 stored block", "~T:\\00\\05\\00\\fa\\ff\\48\\65\\6c\\6c\\6f\\00", 0, "Hello"},
    {"7692 7.2.3.4 final block", "~T:\\f3\\48\\cd\\c9\\c9\\07\\00\\00", 0, "Hello"},
    {"7692 7.2.3.5 two blocks", "~T:\\f2\\48\\05\\00\\00\\00\\ff\\ff\\ca\\c9\\c9\\07\\00", 0,
     "Hello"},
    {"an empty message", "~T:\\00", 0, ""},
    {"uncompressed is still allowed", "T:plain", 0, "plain"},
    {"RSV1 on a continuation", "-~T:\\f2\\48 ~C:\\cd", 1002, NULL},
    {"RSV1 on a ping", "~P:x", 1002, NULL},
    {"RSV2 is still reserved", "^T:x", 1002, NULL},
    {"garbage", "~T:\\ff\\ff\\ff\\ff", 1007, NULL},
    {"cut inside a block", "~T:\\f2\\48\\cd", 1007, NULL},
    {"inflates to bytes that are no text", "~T:\\00\\01\\00\\fe\\ff\\ff\\00", 1007, NULL},
    {"inflates to any bytes for binary", "~B:\\00\\01\\00\\fe\\ff\\ff\\00", 0, "\xff"},
};

TEST(compressed_messages_at_the_level_of_bytes)
{
    static const struct ws_deflate_params p = {false, false, 15, 15};
    for (size_t i = 0; i < BX_LEN(packed_rows); i++) {
        for (size_t step = 1; step < 2000; step = step * 1000) {
            struct end e;
            struct bx_buf in;
            bx_buf_init(&in, 0);
            notation(packed_rows[i].in, true, &in);
            end_init(&e, false, 1 << 16, ws_deflate_new(&p, false, 3));
            e.is_silent = true;
            feed(&e, bx_buf_view(&in), step);
            assert_why(e.code == packed_rows[i].code, packed_rows[i].name);
            assert_why(e.messages == (packed_rows[i].message != NULL), packed_rows[i].name);
            if (packed_rows[i].message)
                assert_str(bx_buf_view(&e.last), packed_rows[i].message);
            bx_buf_done(&in);
            end_done(&e);
        }
    }
}

TEST(a_compression_bomb_is_stopped_at_the_cap)
{
    static const struct ws_deflate_params p = {false, false, 15, 15};
    enum { CAP = 100000, BOMB = 50 << 20 };
    struct zpeer z;
    struct end e;
    struct ws_proto_counts counts = {0};
    struct bx_buf packed, frame;
    char *zeros = bx_calloc(BOMB, 1);
    bx_buf_init(&packed, 0);
    bx_buf_init(&frame, 0);
    zpeer_init(&z, &p, true);
    zpeer_pack(&z, bx_str_n(zeros, BOMB), &packed);
    frame_build(&frame, 0xc2, bx_buf_view(&packed), true);
    assert_true(packed.len < CAP);
    struct ws_deflate *d = ws_deflate_new(&p, false, 3);
    end_init(&e, false, CAP, d);
    ws_proto_feed(&e.proto, frame.data, frame.len, &counts);
    assert_int_equal(e.code, 1009);
    assert_true(counts.is_bomb);
    assert_int_equal(e.messages, 0);
    assert_true(ws_deflate_scratch(d)->cap <= CAP + 1);
    end_done(&e);
    zpeer_done(&z);
    bx_buf_done(&packed);
    bx_buf_done(&frame);
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_holds_for_both_roles_however_the_bytes_are_chopped),
        cmocka_unit_test(
            lengths_and_masks_that_break_a_must_are_refused_at_the_first_byte_that_shows_it),
        cmocka_unit_test(a_ping_flood_gets_a_bounded_number_of_pongs_and_the_last_is_among_them),
        cmocka_unit_test(a_peer_that_does_not_read_gets_no_pongs),
        cmocka_unit_test(after_our_close_messages_are_dropped_until_the_peers_close),
        cmocka_unit_test(a_long_reason_is_cut_at_a_characters_border),
        cmocka_unit_test(an_idle_end_holds_no_memory_and_a_message_in_progress_does),
        cmocka_unit_test(sections_12_and_13_messages_cross_under_every_parameter),
        cmocka_unit_test(compressed_messages_at_the_level_of_bytes),
        cmocka_unit_test(a_compression_bomb_is_stopped_at_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
